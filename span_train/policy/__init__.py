"""Turn a score into pass, recheck or fail, and say what that promises."""
