# The job of truth_python, which the preloaded library runs when it is asked for the parent's id: what loops are made of, with
# everything that was made in what it returns.
import posix


class Shape:
    def __init__(self, sides):
        self.sides = sides

    def area(self, scale=2):
        return self.sides * scale ** 2 / 4

    def __lt__(self, other):
        return self.sides < other.sides


def primes(below):
    for number in range(2, below):
        if all(number % divisor for divisor in range(2, int(number ** 0.5) + 1)):
            yield number


def risky(value):
    try:
        return 100 // (value % 5)
    except ZeroDivisionError as error:
        return str(error)


def job():
    out = []
    words = {}
    for i in range(ROUNDS):
        key = "key-%d" % (i * 7 % 5)
        words[key] = words.get(key, 0) + i
        out.append(f"{i:>4}|{i * i:x}|{i / 3:.3f}|{risky(i)}")
        out.append(",".join(sorted(words, reverse=i % 2 == 0)))
    shapes = sorted(Shape(i * 13 % 7) for i in range(ROUNDS))
    out.append(repr([shape.area() for shape in shapes] + [shape.area(scale=3) for shape in shapes if shape.sides > 2]))
    out.append(str(list(primes(4 * ROUNDS))) + str({i % 4: (i, -i) for i in range(ROUNDS)}))
    out.append(str(set(range(ROUNDS)) & {1, 2, 99}) + str(3 ** 80 % (10 ** 20 + 39)) + str(sum(1 << i for i in range(70))))
    out.append("text in a row".upper().replace("IN", "2"))
    return "\n".join(out).encode()


ROUNDS = 12 if b"SIGHOOK_LONG" in posix.environ else 4
posix.getppid()
