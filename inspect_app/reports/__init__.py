"""What a shift produced, as numbers and as a document: torch-free and without the station."""
