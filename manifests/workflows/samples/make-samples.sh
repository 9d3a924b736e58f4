#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the sample pages from source/*.html. Needs Debian's chromium, imagemagick, fonts-ebgaramond,
# fonts-lato and fonts-liberation. The pages are committed, so that nobody has to run this.
set -eu
cd "$(dirname "$0")"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
convert=$(command -v convert-im6.q16 || command -v convert)

page() { # name width height
  chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$profile" \
    --window-size="$2,$3" --force-device-scale-factor="$4" --screenshot="$profile/$1.png" \
    "file://$PWD/source/$1.html" 2>/dev/null
}

page clean-page 1000 1294 1.3
page two-columns 1200 820 1.25
page measurements 1100 1240 1.2
page scanned-letter 1100 900 1.4

# A flatbed's work: clean, four bits of grey are plenty.
for name in clean-page two-columns measurements; do
  "$convert" "$profile/$name.png" -colorspace Gray -depth 8 -colors 8 -units PixelsPerInch -density 150 \
    -strip -define png:compression-level=9 "$name.png"
done
# A fax: a page laid in crookedly, blurred, speckled and turned into black and white.
"$convert" "$profile/scanned-letter.png" -colorspace Gray -background white -rotate 1.4 -blur 0x0.9 \
  -seed 12 -attenuate 1.1 +noise Gaussian -attenuate 0.06 +noise Impulse -threshold 60% -type bilevel -depth 1 \
  -units PixelsPerInch -density 150 -strip -define png:compression-level=9 scanned-letter.png
