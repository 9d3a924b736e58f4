/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static const struct {
    const char *path;
    size_t size; /* 0: as long as it is */
} tricks[] = {
    {"../outside.txt", 0}, {"folder/../../outside.txt", 0}, {"/etc/passwd", 0}, {"//etc/passwd", 0}, {"..", 0}, {".", 0}, {"", 0},
    {"granted.txt\0/../../outside.txt", 32}, {"granted.txt\0", 12}, {"granted.txt/", 0}, {"granted.txt/.", 0}, {"granted.txt/..", 0},
    {"link-out.txt", 0}, {"link-out/secret.txt", 0}, {"link-in.txt", 0}, {"link-root/etc/passwd", 0}, {"link-self", 0}, {"pipe", 0},
    {"socket", 0}, {"device", 0}, {"folder", 0}, {"folder/", 0}, {"\xc0\xae\xc0\xae/outside.txt", 0}, {"..\\outside.txt", 0},
    {"/proc/self/fd/0", 0}, {"/proc/self/root/etc/passwd", 0}, {"~/private.txt", 0}, {"$HOME/private.txt", 0}, {"file:///etc/passwd", 0},
    {"\xff\xfe", 0}, {"granted.txt\n", 0}, {"%2e%2e/outside.txt", 0}, {".../outside.txt", 0}, {"folder/./../../outside.txt", 0},
    {"..//outside.txt", 0}, {"./../outside.txt", 0}, {"folder//..//..//outside.txt", 0}, {"granted.txt/../../outside.txt", 0}, {"%2e%2e%2foutside.txt", 0},
    {"\xe2\x80\xa4\xe2\x80\xa4/outside.txt", 0}, {"\xef\xbc\x8e\xef\xbc\x8e/outside.txt", 0}, {"..\xc0\xafoutside.txt", 0}, {"..\xe2\x88\x95outside.txt", 0},
    {"GRANTED.TXT/../../outside.txt", 0}, {"link-out/../outside.txt", 0}, {"link-out/../tree/secret.txt", 0}, {"folder/../link-out/secret.txt", 0},
    {"/dev/fd/0", 0}, {"dev/fd/0", 0}, {"/proc/self/cwd/secret.txt", 0}, {"proc/self/root/etc/passwd", 0}, {"/proc/self/fd/../root/etc/passwd", 0},
    {".. /outside.txt", 0}, {" ../outside.txt", 0}, {"..\t/outside.txt", 0}, {"..;/outside.txt", 0}, {"..\0/outside.txt", 15}, {"C:\\secret.txt", 0}, {"\\\\host\\share", 0},
};

static void try_path(struct attack *a, const char *root, symphony_str path) {
    static const uint32_t ways[] = {SYMPHONY_FS_READ, SYMPHONY_FS_READ | SYMPHONY_FS_WRITE};
    for (size_t i = 0; i < 2; ++i) {
        symphony_status status;
        symphony_error error;
        const int fd = broker_open(a, root, path, ways[i], &status, &error);
        struct stat of;
        if (fd < 0) {
            stopped(a, "%s", error.reason);
            continue;
        }
        char text[64] = "";
        if (fstat(fd, &of) != 0 || !S_ISREG(of.st_mode)) escaped(a, "no file behind \"%.60s\"", path.ptr);
        else if (read(fd, text, sizeof text - 1) > 0 && strncmp(text, "granted", 7) != 0) escaped(a, "\"%.60s\" has \"%.20s\"", path.ptr, text);
        (void)close(fd);
    }
}

static void attack(struct attack *a) {
    static char lengthy[70000];
    for (size_t i = 0; i < sizeof tricks / sizeof *tricks; ++i) {
        const size_t size = tricks[i].size != 0 ? tricks[i].size : strlen(tricks[i].path);
        try_path(a, "workspace", (symphony_str){tricks[i].path, size});
    }
    memset(lengthy, 'a', sizeof lengthy);
    try_path(a, "workspace", (symphony_str){lengthy, sizeof lengthy});
    for (size_t i = 1; i < sizeof lengthy; i += 2) lengthy[i] = '/';
    try_path(a, "workspace", (symphony_str){lengthy, sizeof lengthy});
    for (size_t i = 0; i < sizeof lengthy; ++i) lengthy[i] = i % 3 == 2 ? '/' : '.';
    try_path(a, "workspace", (symphony_str){lengthy, sizeof lengthy});
    try_path(a, "workspace/..", str_of("outside.txt"));
    try_path(a, "/", str_of("etc/passwd"));
    try_path(a, "state", str_of("marker"));
    try_path(a, "home", str_of("private.txt"));
    try_path(a, "", str_of("granted.txt"));
    try_path(a, "selected", str_of("/etc/passwd"));
}
ATTACK_PLUGIN
