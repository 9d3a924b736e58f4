/* SPDX-License-Identifier: Apache-2.0 */
#include "line_count.h"

#include <stdio.h>
#include <string.h>

static int failures = 0;

static void expect(int ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "failed: %s\n", what);
    ++failures;
}

static void expect_lines(const char *text, uint64_t lines) {
    const line_counts counts = count_lines(text, strlen(text));
    expect(counts.lines == lines && counts.bytes == strlen(text), text);
}

static void expect_find(const char *what, const char *bytes, uint64_t size, int status) {
    const char *text = NULL;
    uint64_t text_size = 0;
    expect(find_text((const uint8_t *)bytes, size, "text", &text, &text_size) == status, what);
    expect(status != 0 || (text_size == 2 && memcmp(text, "ab", 2) == 0), what);
}

int main(void) {
    uint8_t counts[32];
    expect_lines("", 0);
    expect_lines("one", 1);
    expect_lines("one\n", 1);
    expect_lines("one\n\nthree", 3);

    expect_find("the text", "\x81\xA4text\xA2" "ab", 9, 0);
    expect_find("the text after a list of a map", "\x82\xA1x\x92\x81\xA1y\x01\xC3\xA4text\xD9\x02" "ab", 18, 0);
    expect_find("no such key", "\x81\xA1x\x01", 4, -1);
    expect_find("a number instead", "\x81\xA4text\x07", 7, -2);
    expect_find("cut off", "\x81\xA4text\xA9" "ab", 9, -3);
    expect_find("a list", "\x91\x01", 2, -3);
    expect_find("nothing", "", 0, -3);
    expect_find("a count with nothing behind it", "\xDF\xFF\xFF\xFF\xFF", 5, -3);

    expect(write_counts((line_counts){1, 258}, counts) == 31, "size of the result");
    expect(counts[0] == 0x82 && counts[30] == 2 && counts[29] == 1, "bytes of the result");
    return failures == 0 ? 0 : 1;
}
