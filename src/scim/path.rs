//! Attribute paths (RFC 7644 §3.10): text to parts, parts to an attribute of a registry.
