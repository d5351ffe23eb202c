//! The messages of RFC 7644: ListResponse, SearchRequest, PatchOp, BulkRequest, BulkResponse and Error.
