// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/secrets.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

using namespace symphony;
using namespace symphony::brokers;

namespace {

constexpr const char* api_key = "sk-very-secret-0123456789";

manifests::EffectiveConfig config() {
    manifests::EffectiveConfig config;
    config.settings = {{"api_key", manifests::Data(api_key), "project file", true},
                       {"limits", manifests::Data(std::int64_t{7}), "default", true},
                       {"token", manifests::Data(), "default", true},
                       {"url", manifests::Data("https://example.org"), "default", false}};
    return config;
}

/// What the kernel says of the mapping around `at`: "rd wr mr mw me dd lo ".
std::string flags_of(const void* at) {
    std::ifstream maps("/proc/self/smaps");
    const auto address = reinterpret_cast<std::uintptr_t>(at);
    bool inside = false;
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin = 0, end = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) inside = address >= begin && address < end;
        if (inside && line.starts_with("VmFlags:")) return line.substr(8);
    }
    return {};
}

} // namespace

TEST(Secrets, GivesThePluginsOwnAndNothingElse) {
    const Secrets secrets("fetch", config());
    EXPECT_TRUE(secrets.any());
    EXPECT_EQ(secrets.get("api_key")->text(), api_key);
    EXPECT_EQ(secrets.get("limits")->text(), "7");
    EXPECT_EQ(secrets.get("token").error().reason(), "secret-not-set");
    EXPECT_EQ(secrets.get("url").error().reason(), "no-such-secret") << "not a secret: the config service has it";
    EXPECT_EQ(secrets.get("").error().code(), Code::not_found);
    EXPECT_FALSE(Secrets("fetch", {}).any());
}

TEST(Secrets, NeverNameAValueInAnError) {
    const Secrets secrets("fetch", config());
    for (const char* key : {"token", "url", api_key}) {
        const auto missing = secrets.open(key);
        ASSERT_FALSE(missing);
        EXPECT_EQ((missing.error().message() + missing.error().hint()).find(api_key), std::string::npos);
    }
}

TEST(Secrets, LieInMemoryThatIsNotDumpedAndGoesAway) {
    const Secrets secrets("fetch", config());
    auto buffer = std::make_unique<Buffer>(*secrets.get("api_key"));
    const std::uint8_t* at = buffer->data();
    EXPECT_NE(flags_of(at).find(" dd"), std::string::npos) << flags_of(at);
    Buffer copy = *buffer;
    buffer.reset();
    EXPECT_EQ(copy.text(), api_key) << "the last reference counts";
    copy = {};
    EXPECT_EQ(flags_of(at), "") << "its pages are given back";
}

TEST(Secrets, ReachAnotherProcessInASealedFile) {
    const Secrets secrets("fetch", config());
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        char byte = 0;
        iovec io{&byte, 1};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message{};
        message.msg_iov = &io;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        int fd = -1;
        if (::recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) == 1) std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
        const auto received = read_sealed(fd);
        ::_exit(received && received->text() == api_key ? 0 : 1);
    }
    const int fd = *secrets.open("api_key");
    char byte = 'x';
    iovec io{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    EXPECT_EQ(::sendmsg(pair[0], &message, 0), 1);
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    for (const int end : {fd, pair[0], pair[1]}) ::close(end);
}

TEST(Secrets, CannotBeChangedInTheirFile) {
    const int fd = *sealed_file(bytes_of(api_key));
    EXPECT_EQ(::pwrite(fd, "X", 1, 0), -1);
    EXPECT_EQ(::ftruncate(fd, 1), -1);
    EXPECT_EQ(::ftruncate(fd, 4096), -1);
    EXPECT_EQ(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1) << "nobody adds a seal either";
    EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(read_sealed(fd)->text(), api_key);
    EXPECT_EQ(read_sealed(*sealed_file({}))->size(), 0U);
}

TEST(Secrets, AreTakenFromSealedFilesOnly) {
    const int open = ::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ASSERT_EQ(::write(open, "x", 1), 1);
    EXPECT_EQ(read_sealed(open).error().reason(), "not-sealed");
    EXPECT_EQ(read_sealed(::open("/dev/null", O_RDONLY | O_CLOEXEC)).error().reason(), "not-sealed");
    EXPECT_EQ(read_sealed(-1).error().reason(), "not-sealed");
}

TEST(Secrets, CanBeWipedFromAConfiguration) {
    manifests::EffectiveConfig settings = config();
    wipe_secrets(settings);
    EXPECT_TRUE(settings.settings[0].value.is_null());
    EXPECT_EQ(*settings.find("url")->value.as<std::string>(), "https://example.org");
}
