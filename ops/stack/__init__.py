"""A whole Relance on one machine: servers, services and simulators, started, watched and stopped together."""
