"""The rooms of Relance: each service hears facts, decides, records and says facts."""
