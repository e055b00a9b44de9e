"""Answers: tables read off a fitted model; nothing here trains."""
