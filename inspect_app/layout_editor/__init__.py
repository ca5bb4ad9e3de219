"""The page on which a layout is drawn: Streamlit around a canvas."""
