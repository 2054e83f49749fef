"""The rules, one module per concern; each is found by being here. See ``coverage/registry.py``."""
