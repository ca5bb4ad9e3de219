"""What the layout editor computes: shapes, masks, copies, checks, and what is saved."""
