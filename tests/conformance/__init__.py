"""The contract that every check_* keeps, one test per sentence, from outside: no import of the code under test."""
