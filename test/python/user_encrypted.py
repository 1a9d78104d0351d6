"""Connection details that only their owner can read, with nothing but Python: Keccak-256 and AES-256-GCM by hand.

One JSON object per line in: {"signature", "nonce", "text"} is encrypted, {"signature", "sealed"} is opened. Out: one JSON
string per line.
"""

import json
import sys

MASK = (1 << 64) - 1
ROUNDS = (
    "1 8082 800000000000808a 8000000080008000 808b 80000001 8000000080008081 8000000000008009 8a 88 80008009 8000000a "
    "8000808b 800000000000008b 8000000000008089 8000000000008003 8000000000008002 8000000000000080 800a "
    "800000008000000a 8000000080008081 8000000000008080 80000001 8000000080008008"
).split()


def rotate(lane, by):
    by %= 64
    return ((lane << by) | (lane >> (64 - by))) & MASK


def keccak_f(a):
    for constant in ROUNDS:
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [c[(x - 1) % 5] ^ rotate(c[(x + 1) % 5], 1) for x in range(5)]
        a = [[a[x][y] ^ d[x] for y in range(5)] for x in range(5)]
        b = [[0] * 5 for _ in range(5)]
        x, y, lane = 1, 0, a[1][0]
        b[0][0] = a[0][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            lane, b[x][y] = a[x][y], rotate(lane, (t + 1) * (t + 2) // 2)
        a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & MASK & b[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        a[0][0] ^= int(constant, 16)
    return a


def keccak256(data):
    rate = 136
    padded = bytearray(data) + b"\x01" + b"\x00" * (-len(data) % rate - 1 if -len(data) % rate else rate - 1)
    padded[-1] |= 0x80
    a = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for i in range(rate // 8):
            a[i % 5][i // 5] ^= int.from_bytes(padded[start + 8 * i : start + 8 * i + 8], "little")
        a = keccak_f(a)
    return b"".join(a[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def times(a, b):
    """In the field of AES."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def make_sbox():
    box = []
    for value in range(256):
        inverse = next((other for other in range(256) if times(value, other) == 1), 0)
        result = 0x63
        for by in range(5):
            result ^= ((inverse << by) | (inverse >> (8 - by))) & 0xFF
        box.append(result)
    return box


SBOX = make_sbox()


def expand(key):
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    factor = 1
    for i in range(8, 60):
        word = list(words[-1])
        if i % 8 == 0:
            word = [SBOX[byte] for byte in word[1:] + word[:1]]
            word[0] ^= factor
            factor = times(factor, 2)
        elif i % 8 == 4:
            word = [SBOX[byte] for byte in word]
        words.append([left ^ right for left, right in zip(words[i - 8], word)])
    return [sum(words[i : i + 4], []) for i in range(0, 60, 4)]


def encrypt_block(keys, block):
    state = [left ^ right for left, right in zip(block, keys[0])]
    for number, key in enumerate(keys[1:], 1):
        state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if number < 14:
            mixed = []
            for column in range(0, 16, 4):
                s = state[column : column + 4]
                mixed += [
                    times(s[i], 2) ^ times(s[(i + 1) % 4], 3) ^ s[(i + 2) % 4] ^ s[(i + 3) % 4] for i in range(4)
                ]
            state = mixed
        state = [left ^ right for left, right in zip(state, key)]
    return bytes(state)


def gf128(x, y):
    z = 0
    for i in range(128):
        if (y >> (127 - i)) & 1:
            z ^= x
        x = (x >> 1) ^ (0xE1 << 120 if x & 1 else 0)
    return z


def gcm(key, nonce, data, decrypting):
    keys = expand(key)
    h = int.from_bytes(encrypt_block(keys, bytes(16)), "big")
    stream = b"".join(
        encrypt_block(keys, nonce + (i + 2).to_bytes(4, "big")) for i in range((len(data) + 15) // 16)
    )
    other = bytes(left ^ right for left, right in zip(data, stream))
    sealed = data if decrypting else other
    y = 0
    for start in range(0, len(sealed), 16):
        y = gf128(y ^ int.from_bytes(sealed[start : start + 16].ljust(16, b"\x00"), "big"), h)
    y = gf128(y ^ (len(sealed) * 8), h)
    tag = y ^ int.from_bytes(encrypt_block(keys, nonce + b"\x00\x00\x00\x01"), "big")
    return other, tag.to_bytes(16, "big")


def main():
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    for line in sys.stdin:
        job = json.loads(line)
        key = keccak256(bytes.fromhex(job["signature"][2:]))
        if "sealed" in job:
            sealed = bytes.fromhex(job["sealed"][2:])
            text, tag = gcm(key, sealed[:12], sealed[12:-16], True)
            assert tag == sealed[-16:], "the tag is wrong"
            print(json.dumps(text.decode()))
        else:
            nonce = bytes.fromhex(job["nonce"])
            sealed, tag = gcm(key, nonce, job["text"].encode(), False)
            print(json.dumps("0x" + (nonce + sealed + tag).hex()))


if __name__ == "__main__":
    main()
