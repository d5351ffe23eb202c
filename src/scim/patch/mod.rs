//! PATCH (RFC 7644 §3.5.2): operations become edits of the document and edits of membership before anything is loaded.
