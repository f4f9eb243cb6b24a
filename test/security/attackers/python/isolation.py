"""What an attacker in Python can do by itself."""


def read(given):
    with open(given["path"], encoding="utf8", errors="replace") as file:
        return file.read()
