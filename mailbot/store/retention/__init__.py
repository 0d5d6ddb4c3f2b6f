"""Deletes what is past its time, in small transactions, and never what a legal hold keeps."""
