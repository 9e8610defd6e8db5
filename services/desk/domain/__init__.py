"""What the desk knows and decides, without clock or disk: cases as lists show them, people, acts, figures."""
