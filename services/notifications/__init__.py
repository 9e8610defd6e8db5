"""The school's voice: one mail per case, template and ordinal, on a day the office works, in the reader's words.

Owns: learners, teachers and schools as people to write to (names and addresses live here alone), the mail log,
    the delivery calendar.
Hears: dunning (mails asked for and made stale, schools, closures, ends of cases), credits (cancelled lessons,
    forfeitures), payments (card countries, PayPal's own notices), and its own plans.
Says: LearnerRegistered, TeacherRegistered, MailSent, MailDeferred, MailParked, MailDropped, MailFailed,
    MailReleased, NoticeOverdue, ExternalNoticeLogged.
"""
