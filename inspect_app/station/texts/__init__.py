"""The station's texts in other languages: one gettext catalogue each, `de.po` for German."""
