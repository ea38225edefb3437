"""The platform of Saqshy and its composition root.

What every slice stands on lives here: settings, database, errors, access, jobs. What only one
slice needs lives in that slice.
"""
