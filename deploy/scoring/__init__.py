"""Score folders of images into tables: every image exactly once, whatever happens in between."""
