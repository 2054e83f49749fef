"""FHIRPath compiled to Python closures over plain JSON, with the answers of fhirpathpy and none of its wrappers.

An expression is compiled whole or left to the library whole (``NotCompiled``). A compiled one reads the shapes that
FHIR has; on any other (``Unusual``: a primitive's sibling, a list in a list, a resource inside) the library evaluates
again and has the last word, so that its errors stay its own.
"""
