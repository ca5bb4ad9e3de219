"""Every file that a row of the store names and that is still to be kept."""

_KEPT = (
    ("inspections", "picture_asset"),
    ("inspections", "maps_asset"),
    ("inspections", "original_asset"),
    ("decisions", "original_asset"),
    ("bundles", "layout_asset"),
)
# One query a column; files that retention has removed are left out.
NAMED_FILES = tuple(
    f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL "
    f"AND NOT EXISTS (SELECT 1 FROM asset_removals WHERE asset = {table}.{column})"
    for table, column in _KEPT
)
