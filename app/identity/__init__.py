"""Who the staff are and how they prove it: departments, people, posts, signatures, sessions.

A person acts through the post in force; a signature is one of NUC RK's certificates over content
that we fixed. What a role may do is each route's ``Access``; devices belong to ``devices``.
"""
