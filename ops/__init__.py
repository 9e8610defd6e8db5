"""How a school's computer runs Relance: one command, its servers, its simulators and its tools."""
