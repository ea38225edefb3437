"""The staff pages: plain forms and links over the slices' services.

Templates, our own ES modules and CSS, three languages, no build step. What a page shows is asked
of a slice's service; nothing is decided here.
"""
