"""The operator's own door: questions that take all services' journals at once, for the desk's pages.

Services never ask one another; whoever runs the installation may look at everything. This process reads, decides
nothing and keeps nothing.
"""
