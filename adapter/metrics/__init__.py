"""What a running process tells of itself: numbers for Prometheus, and spans for OpenTelemetry."""
