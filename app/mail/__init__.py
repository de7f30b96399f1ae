"""Sending mail: the words in the reader's language, and the ways by which a mail leaves this service."""
