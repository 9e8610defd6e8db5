"""What every service of Relance relies on, and that knows none of them."""
