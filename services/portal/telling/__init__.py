"""How a page says it: words, amounts and dates in the reader's language, and where the learner stands."""
