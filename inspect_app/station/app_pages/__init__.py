"""The pages of the station, one file each."""
