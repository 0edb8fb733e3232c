"""Holds two small files that no library which we have can write: an old workbook and a picture by a telephone."""

import base64
import zlib

XLS = zlib.decompress(
    base64.b64decode(
        "eNrtWE1IVFEU/u77GWfGv/G3NBgGQSvTMNpEYGNhucm/XPRPjc4LxXRknEW1KMtcJkGroo1gf4usCPqhH2pXFBi1CIRAi1atgoICdTr3vPeG0U"
        "ZwIAXjneGed885955z7rnnnXvnvRvPmxy5VzqFebANKmbjHriSeIKaxyZ8IHk8Lrv2000t7sCKAo+bNtKl40n22wy5h3K/p6DgrvaSMPCZ2iH0"
        "oSnSawSWEXawDyEhfagVGuWegqvUclDCfuUz7mBcwPgOj33KuI45FxjX0thJcQDjwabKLVYe71PKWJZDWOAhz5lgziYU4ZXM4zMXhTlWx/ZoV+"
        "i4I1hKgV/LwigoAxuMXiMqaQ+uQQNqNtaU+zUvrtNI1Ejwa5m4IfP0YOfhrT09fi0XN+EF9hNUNzZW19dPopDko/gZDwA/7IL1IuDwl5cvQPxf"
        "c/kZC/DdtN2p+B7a+VR8L+VAKn4mJUMqftYC+rMX0J+zgP7cFPovKZSoA4gfFbKaDJHO17qU6NgTihn9Q6Ss1S2T3YU2oyNqxKaxmw9Sj3monq"
        "DpbV0xgya1dYaiBo1tifTHOiJhk9V1LEbp3txHr0aYalRzN70n9VGjP2z0qkBnV9grdXEh980p5Nlc3rIIh8lx2c/jIuejcE/f+v6+sb0leIQ5"
        "A3x4m0d8uVwO4jgrZ9DkHJZosLVW8owNjM+x1jXcL2VcSMumZ0VLkdXZNchjzrO0guxsZvgQXJvUX0f9oW+tj/xDX4LrqT/WMHWqcOxjcARlFK"
        "UwzZe/QVSJKnHlsoTHQfsprMPgE+OSvw4Gt+KzfI9b95hczMiKQZDHKzYpOzompRClJiiVKC1BaUTpCUonymXZESnsCLYjN0WlWMp15NupEzyt"
        "ePloK8CYz5arFEMTfltyjcrmxG0FuuLmkim9ltaUedaeU+QUtgY8g5/jXow3RK3CMLmxmv0swfB9hXRKbQprM31XOQamtoDlu8raZG585ZUI1k"
        "/XQyUfD7hbl3RBXI48VBLylZqHImUeIimDkkeYGQArxzjuSBV3BxxwwAEHHEgDhHWkqtYVT7eO7Azru84MtVnnM8l/C3sQoV+M/tHsRC89oziZ"
        "Vv4UQxe2LrHIOfb3Qgl7yXoU3WhnP7rTzl+6conk9Sx6ou/fvULp2p9Nx88ltv8Hwwhflg=="
    )
)
"""One sheet with a merged cell, number formats and a hidden row, and a hidden sheet, by xlwt."""

HEIC = zlib.decompress(
    base64.b64decode(
        "eNpjYGCQSSupLMhIzUxmAILczDRDEDs3MzGNgYExLDe1JJEBAhQzUnKKoGyGgszkEgY0oJSZkw82xMWBgREIgYCxCkIDgRQQK2dm5qWBeSBRUS"
        "AnlQnKyyhLNgQx+QoyS3LhSq5lFhQVAOntmQXJ+UC6AqjMmZEZJDQBrEjuA8Ofvz9+MDDwMycAdUg4MPIw/v8PUsAMUsEMQnK7mBwSgZLaToyM"
        "aDILFBpZp73y1FyXxyTFwwESOgEiOBySgOrZXRgPFm1QcgBaI5ycn1OUl5xTARTmZWBrAAqJZBYXpEL95gDFAgWZFZkgAWYODqBpDOKZBbmw4A"
        "OGCEsjEzMLKKByUxJBoSemwbhesuF7Tav5/x8L2/9lR/1ffzBOVwYAhG9Low=="
    )
)
"""64 red pixels square, by pillow-heif; the library that is used here only reads."""
