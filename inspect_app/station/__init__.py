"""The operator's web page: it shows what the line judged, and keeps what the operator decides."""
