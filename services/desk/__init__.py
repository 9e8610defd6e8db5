"""The office's desk: who is in trouble and why, what happens next by itself, and what waits for a person.

Owns: what lists show (a copy of the facts, ids only), the office's people, their sessions, the audit of their acts.
Hears: dunning (cases, dates, questions, schools), notifications (mails that wait, left or need somebody),
    payments (money back).
Says: nothing. What a person does is posted to its owner under that person's name, and comes back as a fact.
"""
