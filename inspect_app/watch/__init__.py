"""Watch a folder into which a line's images fall: each arrival is inspected and stored once."""
