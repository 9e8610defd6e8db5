"""How fast is it, measured beside floors and peers in the same run, so that the figures mean something anywhere."""
