// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/rights.hpp>

#include <symphony/manifests/parse.hpp>

#include <gtest/gtest.h>

#include <bitset>
#include <random>

namespace symphony::manifests {
namespace {

Right right(std::string_view text) {
    auto made = Right::parse(text);
    EXPECT_TRUE(made) << text << ": " << (made ? "" : made.error().message());
    return made ? *std::move(made) : Right();
}

RightSet set(std::initializer_list<std::string_view> texts) {
    std::vector<Right> rights;
    for (const auto text : texts) rights.push_back(right(text));
    return RightSet(std::move(rights));
}

void expect_text(std::string_view typed, std::string_view canonical) {
    SCOPED_TRACE(typed);
    const Right made = right(typed);
    EXPECT_EQ(made.text(), canonical);
    EXPECT_EQ(right(made.text()).text(), canonical);
}

void expect_bad(std::string_view typed, std::string_view why) {
    SCOPED_TRACE(typed);
    const auto made = Right::parse(typed);
    ASSERT_FALSE(made) << made->text();
    EXPECT_EQ(made.error().reason(), "bad-right");
    EXPECT_NE(made.error().message().find(why), std::string::npos) << made.error().message();
}

void expect_covers(std::string_view outer, std::string_view inner, bool expected = true) {
    EXPECT_EQ(right(outer).covers(right(inner)), expected) << outer << " covers " << inner;
    if (expected) {
        EXPECT_TRUE(right(outer).overlaps(right(inner))) << outer << " overlaps " << inner;
    }
}

TEST(Rights, HaveOneTextEach) {
    expect_text("read:workspace", "read:workspace");
    expect_text("file:read:workspace/**", "read:workspace");
    expect_text("read:workspace/**/**/a", "read:workspace/**/a");

    expect_text("read:workspace/[*]", "read:workspace/[*]");
    expect_text("read:workspace/.", "read:workspace/.");
    expect_text("net:API.Example.COM.:443", "network:api.example.com:443");
    expect_text("network:a.example:1-65535", "network:a.example");
    expect_text("network:a.example:*", "network:a.example");
    expect_text("network:a.example:80-80", "network:a.example:80");
    expect_text("network:*.Example.com:8000-8100", "network:*.example.com:8000-8100");
    expect_text("network:[2001:DB8:0:0::1]:443", "network:[2001:db8::1]:443");
    expect_text("network:[::ffff:10.0.0.1]:80", "network:10.0.0.1:80");
    expect_text("network:*", "network:*");
    expect_text("model:gpt-4", "model:gpt-4");
    expect_text("model:org/**", "model:org/*");
    expect_text("ipc:bus:progress.*", "ipc:bus:progress.*");
    expect_text("ipc:bus:#", "ipc:bus:#");
    expect_text("process:/usr/bin/git", "process:/usr/bin/git");
}

TEST(Rights, AreReadAsTheSeedWritesThem) {
    const auto text = [](CapabilityKind kind, std::string_view value) {
        const auto made = Right::parse(kind, value);
        return made ? made->text() : made.error().message();
    };
    EXPECT_EQ(text(CapabilityKind::file_access, "read:config"), "read:config");
    EXPECT_EQ(text(CapabilityKind::file_access, "write:cache"), "write:cache");
    EXPECT_EQ(text(CapabilityKind::network_access, "api.openai.com"), "network:api.openai.com");
    EXPECT_EQ(text(CapabilityKind::model_access, "gpt-4-turbo"), "model:gpt-4-turbo");
}

TEST(Rights, RefuseWhatTwoProgramsMightReadDifferently) {
    using namespace std::string_view_literals;
    expect_bad("read:workspace/../etc", "never lead upwards");
    expect_bad("read:workspace/a/./b", "never lead upwards");
    expect_bad("read:workspace//a", "an empty part");
    expect_bad("read:workspace/a/", "an empty part");
    expect_bad("read:/etc", "no root");
    expect_bad("read:workspace/a\0b"sv, "control character");
    expect_bad("read:workspace/a\nb", "control character");
    expect_bad("read:workspace/a\x7f", "control character");
    expect_bad("read:workspace/a**", "`**` stands alone");
    expect_bad("read:workspace/[ab]", "sets such as");
    expect_bad("read:workspace/[x41]", "sets such as");
    expect_bad("read:workspace/a?", "has no meaning");
    expect_bad("read:workspace/a\\b", "has no meaning");
    expect_bad("read:workspace/\xC3", "no UTF-8");
    expect_bad("execute:workspace", "no known kind");
    expect_bad("network:0x7f.1", "");
    expect_bad("network:127.1", "");
    expect_bad("network:0177.0.0.1", "");
    expect_bad("network:2130706433", "");
    expect_bad("network:a.example\0.b.example"sv, "control character");
    expect_bad("network:user@a.example", "");
    expect_bad("network:a%2eexample", "");
    expect_bad("network:b\xC3\xBC"
               "cher.example",
               "ASCII");
    expect_bad("network:a..b", "");
    expect_bad("network:-a.example", "");
    expect_bad("network:a.*", "star stands in front");
    expect_bad("network:*a.example", "star stands in front");
    expect_bad("network:*.10.0.0.1", "an address has no names");
    expect_bad("network:*.[::1]", "");
    expect_bad("network:::1", "brackets");
    expect_bad("network:[::1%eth0]", "");
    expect_bad("network:[a.example]", "IPv6 address");
    expect_bad("network:a.example:0", "no port");
    expect_bad("network:a.example:080", "no port");
    expect_bad("network:a.example:90-80", "no port");
    expect_bad("network:a.example:65536", "no port");
    expect_bad("network:https://a.example", "https://");
    expect_bad("process:../git", "whole path");
    expect_bad("process:./git", "whole path");
    expect_bad("process:/usr/../bin/git", "whole path");
    expect_bad("ipc:progress", "colon");
    expect_bad("ipc:bus:a..b", "between two dots");
    expect_bad("ipc:bus:#.a", "`#` for the rest");
    expect_bad("model: x", "blanks");
    expect_bad("", "no known kind");
}

TEST(Rights, TakeNoWildcardFromAnObject) {
    const auto file = Right::file(FileAccess::read, "workspace", "./a//b*[1]?.txt/");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->text(), "read:workspace/a/b[*][[]1][?].txt");
    EXPECT_TRUE(file->is_single());
    EXPECT_EQ(right(file->text()), *file);
    EXPECT_FALSE(file->covers(right("read:workspace/a/bX[[]1][?].txt")));
    EXPECT_TRUE(right("read:workspace/a/b*").covers(*file));
    const auto odd = Right::file(FileAccess::write, "cache", "x\xFFy");
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->text(), "write:cache/x[xff]y");
    EXPECT_EQ(right(odd->text()), *odd);
    EXPECT_TRUE(right("write:cache/x*y").covers(*odd));
    EXPECT_EQ(Right::file(FileAccess::read, "workspace", "")->text(), "read:workspace/.");
    for (const auto* path : {"../x", "a/../../x", "/etc/passwd", "a\nb"}) EXPECT_FALSE(Right::file(FileAccess::read, "workspace", path)) << path;
    EXPECT_FALSE(Right::file(FileAccess::read, "workspace", std::string_view("a\0b", 3)));
    EXPECT_FALSE(Right::network("*", 80));
    EXPECT_FALSE(Right::network("*.example.com", 80));
    EXPECT_FALSE(Right::network("a.example", 0));
    EXPECT_EQ(Right::network("A.Example.", 80)->text(), "network:a.example:80");
    EXPECT_EQ(Right::network("::1", 80)->text(), "network:[::1]:80");
    EXPECT_EQ(Right::named(RightKind::model, "a*")->text(), "model:a[*]");
    EXPECT_FALSE(Right::named(RightKind::ipc, "bus:a.*"));
}

TEST(Rights, CoverWhatIsInside) {
    expect_covers("read:workspace", "read:workspace/a/b");
    expect_covers("read:workspace", "read:workspace/.");
    expect_covers("read:workspace/docs/**", "read:workspace/docs");
    expect_covers("read:workspace/docs/**", "read:workspace/docs/a/b/c");
    expect_covers("read:workspace/docs/**", "read:workspace/docs2", false);
    expect_covers("read:workspace/docs", "read:workspace/docs/a", false);
    expect_covers("read:workspace/*", "read:workspace/a/b", false);
    expect_covers("read:workspace/*", "read:workspace/.", false);
    expect_covers("read:workspace/**/*.md", "read:workspace/a.md");
    expect_covers("read:workspace/**/*.md", "read:workspace/x/y/a.md");
    expect_covers("read:workspace/**/*.md", "read:workspace/docs/*.md");
    expect_covers("read:workspace/**/*.md", "read:workspace/docs/**", false);
    expect_covers("read:workspace", "write:workspace/a", false);
    expect_covers("read:workspace", "read:cache/a", false);
    expect_covers("network:*.example.com", "network:a.b.example.com:443");
    expect_covers("network:*.example.com", "network:*.b.example.com:443");
    expect_covers("network:*.example.com", "network:example.com", false);
    expect_covers("network:*.example.com", "network:badexample.com", false);
    expect_covers("network:*.example.com", "network:a.example.com.evil.org", false);
    expect_covers("network:*.example.com:443", "network:a.example.com:80", false);
    expect_covers("network:a.example:80-90", "network:a.example:85-90");
    expect_covers("network:a.example:80-90", "network:a.example:85-91", false);
    expect_covers("network:a.example:443", "network:a.example", false);
    expect_covers("network:*", "network:[2001:db8::1]:1");
    expect_covers("network:10.0.0.1", "network:[::ffff:10.0.0.1]:80");
    expect_covers("network:*.0.0.1x", "network:10.0.0.1", false);
    expect_covers("model:gpt-*", "model:gpt-4");
    expect_covers("model:*", "model:gpt-*");
    expect_covers("process:git", "process:/usr/bin/git", false);
    expect_covers("process:*", "process:/usr/bin/git");
    expect_covers("ipc:bus:progress.*", "ipc:bus:progress.done");
    expect_covers("ipc:bus:progress.*", "ipc:bus:progress.a.b", false);
    expect_covers("ipc:bus:progress.#", "ipc:bus:progress.a.b");
    expect_covers("ipc:bus:#", "ipc:invoke:a", false);
    EXPECT_FALSE(Right().covers(Right()));
    EXPECT_FALSE(Right().overlaps(right("read:workspace")));
    EXPECT_FALSE(right("network:*").covers(Right()));
}

// --- against an oracle: a matcher of a few lines, asked about every path of a small world ---

std::vector<std::string> words(std::string_view alphabet, std::size_t longest) {
    std::vector<std::string> all, last{""};
    for (std::size_t n = 0; n < longest; ++n) {
        std::vector<std::string> next;
        for (const auto& word : last) {
            for (const char c : alphabet) next.push_back(word + c);
        }
        all.insert(all.end(), next.begin(), next.end());
        last = std::move(next);
    }
    return all;
}

bool oracle_part(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) return text.empty();
    if (pattern[0] == '*') return oracle_part(pattern.substr(1), text) || (!text.empty() && oracle_part(pattern, text.substr(1)));
    return !text.empty() && text[0] == pattern[0] && oracle_part(pattern.substr(1), text.substr(1));
}

using Path = std::vector<std::string>;

bool oracle_path(const Path& pattern, const Path& path, std::size_t p = 0, std::size_t t = 0) {
    if (p == pattern.size()) return t == path.size();
    if (pattern[p] == "**") return oracle_path(pattern, path, p + 1, t) || (t < path.size() && oracle_path(pattern, path, p, t + 1));
    return t < path.size() && oracle_part(pattern[p], path[t]) && oracle_path(pattern, path, p + 1, t + 1);
}

std::string joined(const Path& parts) {
    std::string text;
    for (const auto& part : parts) text += "/" + part;
    return text.empty() ? "/." : text;
}

constexpr std::size_t world_max = 24'000;
using World = std::bitset<world_max>;

struct Case {
    Right right;
    World objects;
};

void expect_sets(const std::vector<Case>& cases, unsigned seed) {
    std::mt19937 random(seed);
    for (const Case& a : cases) {
        for (const Case& b : cases) {
            const bool inside = (b.objects & ~a.objects).none();
            ASSERT_EQ(a.right.covers(b.right), inside) << a.right.text() << " covers " << b.right.text();
            ASSERT_EQ(a.right.overlaps(b.right), (a.objects & b.objects).any()) << a.right.text() << " overlaps " << b.right.text();
        }
    }
    for (int round = 0; round < 2000; ++round) { // unions
        const auto& a = cases[random() % cases.size()];
        const auto& b = cases[random() % cases.size()];
        const auto& c = cases[random() % cases.size()];
        const auto& d = cases[random() % cases.size()];
        const RightSet from({a.right, b.right}), to({c.right, d.right});
        ASSERT_EQ(from.covers(c.right), (c.objects & ~(a.objects | b.objects)).none()) << from.text() << " covers " << c.right.text();
        ASSERT_EQ(from.covers(to), ((c.objects | d.objects) & ~(a.objects | b.objects)).none()) << from.text() << " covers\n" << to.text();
        const auto change = diff(from, to);
        ASSERT_EQ(change.widens(), !from.covers(to));
        ASSERT_EQ(change.narrowed.empty() && change.removed.empty(), to.covers(from));
        for (const Right& one : change.added) ASSERT_TRUE(std::none_of(from.rights().begin(), from.rights().end(), [&](const Right& old) { return old.overlaps(one); }));
        ASSERT_EQ(RightSet({b.right, a.right, b.right}), from);
        ASSERT_EQ(*RightSet::parse(from.text()), from);
    }
}

TEST(RightsProperty, FilesAgreeWithTheOracle) {
    const auto names = words("abc", 2); // c is in no pattern: it stands for all other characters
    std::vector<Path> paths{{}};
    for (std::size_t from = 0, depth = 0; depth < 4; ++depth) {
        const std::size_t to = paths.size();
        for (; from < to; ++from) {
            for (const auto& name : names) {
                paths.push_back(paths[from]);
                paths.back().push_back(name);
            }
        }
    }
    ASSERT_LE(paths.size(), world_max);
    constexpr unsigned seed = 20261124;
    std::mt19937 random(seed);
    const std::vector<std::string> parts{"a", "b", "ab", "*", "a*", "*a", "*b", "**", "**"};
    std::vector<Case> cases;
    std::vector<Path> patterns{{}, {"**"}};
    while (patterns.size() < 90) {
        Path pattern(1 + random() % 3);
        for (auto& part : pattern) part = parts[random() % parts.size()];
        patterns.push_back(std::move(pattern));
    }
    for (const Path& pattern : patterns) {
        Case one{right("read:workspace" + joined(pattern)), {}};
        for (std::size_t i = 0; i < paths.size(); ++i) one.objects[i] = oracle_path(pattern, paths[i]);
        cases.push_back(std::move(one));
    }
    expect_sets(cases, seed);
    for (const Case& one : cases) { // and every single object on its own way
        for (int round = 0; round < 300; ++round) {
            const auto at = random() % paths.size();
            const auto object = Right::file(FileAccess::read, "workspace", joined(paths[at]).substr(1));
            ASSERT_TRUE(object);
            ASSERT_EQ(one.right.covers(*object), one.objects[at]) << one.right.text() << " " << object->text();
        }
    }
}

TEST(RightsProperty, NamesAgreeWithTheOracle) {
    const auto names = words("abc", 6);
    ASSERT_LE(names.size(), world_max);
    constexpr unsigned seed = 7;
    std::mt19937 random(seed);
    std::vector<Case> cases;
    while (cases.size() < 90) {
        std::string pattern(1 + random() % 4, ' ');
        for (char& c : pattern) c = "ab*"[random() % 3];
        Case one{right("model:" + pattern), {}};
        for (std::size_t i = 0; i < names.size(); ++i) one.objects[i] = oracle_part(pattern, names[i]);
        cases.push_back(std::move(one));
    }
    expect_sets(cases, seed);
}

TEST(RightsProperty, ChannelsAgreeWithTheOracle) {
    const auto names = words("abc", 1);
    std::vector<Path> paths{{}};
    for (std::size_t from = 0, depth = 0; depth < 5; ++depth) {
        const std::size_t to = paths.size();
        for (; from < to; ++from) {
            for (const auto& name : names) {
                paths.push_back(paths[from]);
                paths.back().push_back(name);
            }
        }
    }
    std::mt19937 random(3);
    const std::vector<std::string> parts{"a", "b", "*"};
    std::vector<Case> cases;
    while (cases.size() < 60) {
        Path pattern(1 + random() % 3);
        for (auto& part : pattern) part = parts[random() % parts.size()];
        if (random() % 3 == 0) pattern.back() = "#";
        std::string text = "ipc:bus:";
        for (std::size_t i = 0; i < pattern.size(); ++i) text += (i == 0 ? "" : ".") + pattern[i];
        Path wide = pattern;
        for (auto& part : wide) part = part == "#" ? "**" : part;
        Case one{right(text), {}};
        for (std::size_t i = 0; i < paths.size(); ++i) one.objects[i] = oracle_path(wide, paths[i]);
        cases.push_back(std::move(one));
    }
    expect_sets(cases, 3);
}

TEST(RightsProperty, NetworksAgreeWithTheOracle) {
    std::vector<std::string> hosts{"10.0.0.1", "10.0.0.2"};
    const std::vector<std::string> labels{"a", "b", "z"}; // z is in no pattern
    std::vector<std::string> last{""};
    for (int depth = 0; depth < 4; ++depth) {
        std::vector<std::string> next;
        for (const auto& host : last) {
            for (const auto& label : labels) next.push_back(host.empty() ? label : label + "." + host);
        }
        hosts.insert(hosts.end(), next.begin(), next.end());
        last = std::move(next);
    }
    constexpr int first_port = 1, ports = 6; // and 65535, which no range has but the whole
    struct Object {
        std::string host;
        int port;
    };
    std::vector<Object> objects;
    for (const auto& host : hosts) {
        for (int port = first_port; port < first_port + ports; ++port) objects.push_back({host, port});
        objects.push_back({host, 65535});
    }
    ASSERT_LE(objects.size(), world_max);
    constexpr unsigned seed = 11;
    std::mt19937 random(seed);
    std::vector<Case> cases;
    while (cases.size() < 120) {
        std::string host;
        const auto form = random() % 8;
        if (form == 0) host = "*";
        else if (form == 1) host = "10.0.0." + std::to_string(1 + random() % 2);
        else {
            for (auto n = 1 + random() % 3; n > 0; --n) host = (random() % 2 ? "a" : "b") + (host.empty() ? "" : "." + host);
            if (form < 5) host = "*." + host;
        }
        int low = first_port + static_cast<int>(random() % ports), high = low + static_cast<int>(random() % 3);
        const bool all = random() % 4 == 0;
        high = std::min(high, first_port + ports - 1);
        Case one{right("network:" + host + (all ? "" : ":" + std::to_string(low) + "-" + std::to_string(high))), {}};
        for (std::size_t i = 0; i < objects.size(); ++i) {
            const auto& object = objects[i];
            const bool address = object.host[0] == '1';
            const bool named = host == "*" || host == object.host || (host[0] == '*' && !address && ("." + object.host).ends_with(host.substr(1)) && object.host != host.substr(2));
            one.objects[i] = named && (all || (low <= object.port && object.port <= high));
        }
        cases.push_back(std::move(one));
    }
    expect_sets(cases, seed);
}

TEST(RightSet, IsCanonical) {
    EXPECT_EQ(set({"read:workspace/a", "read:workspace", "write:cache"}), set({"write:cache", "read:workspace"}));
    EXPECT_EQ(set({"network:a.example:80-90", "network:a.example:91-99", "network:a.example:95"}).text(), "network:a.example:80-99\n");
    EXPECT_EQ(set({"network:a.example:80", "network:a.example:82"}).rights().size(), 2u);
    EXPECT_EQ(set({"system:clock", "network:b.example", "read:workspace", "model:m"}).text(),
              "read:workspace\nnetwork:b.example\nmodel:m\nsystem:clock\n");
    EXPECT_EQ(set({"read:workspace/**/*", "read:workspace/*/**"}).rights().size(), 1u);
    EXPECT_TRUE(set({"network:a.example:80-90", "network:*.example:91-99"}).covers(right("network:a.example:85-95")));
    EXPECT_FALSE(set({"read:workspace/a*", "read:workspace/b*"}).covers(right("read:workspace/[*]")));
}

TEST(RightSet, TellsWhatAnUpdateChanges) {
    const auto change = diff(set({"read:workspace/docs/**", "network:*.example.com", "model:a", "write:cache"}),
                             set({"read:workspace", "network:api.example.com:443", "system:gpu", "write:cache"}));
    ASSERT_EQ(change.added.size(), 1u);
    EXPECT_EQ(change.added[0].text(), "system:gpu");
    ASSERT_EQ(change.broadened.size(), 1u);
    EXPECT_EQ(change.broadened[0].first.text(), "read:workspace/docs/**");
    EXPECT_EQ(change.broadened[0].second.text(), "read:workspace");
    ASSERT_EQ(change.narrowed.size(), 1u);
    EXPECT_EQ(change.narrowed[0].second.text(), "network:api.example.com:443");
    ASSERT_EQ(change.removed.size(), 1u);
    EXPECT_EQ(change.removed[0].text(), "model:a");
    EXPECT_TRUE(change.widens());
    EXPECT_TRUE(diff(set({"read:workspace"}), set({"read:workspace"})).empty());
}

TEST(RightSet, StaysQuickWithPatternsMadeToBeSlow) {
    // Each star doubles the states of a naive comparison. Either answer is good, but it must come.
    std::string slow = "read:workspace/**/a";
    for (int i = 0; i < 14; ++i) slow += "/*";
    std::vector<Right> many;
    for (char c = 'a'; c <= 'z'; ++c) many.push_back(right(slow + "/" + c + "*"));
    const RightSet all(many);
    EXPECT_FALSE(all.empty());
    EXPECT_TRUE(all.covers(right(slow + "/a*")));
    expect_bad("read:workspace/" + std::string("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a"), "more than 16 wildcards");
    std::string deep = "read:workspace";
    for (int i = 0; i < 65; ++i) deep += "/a";
    expect_bad(deep, "more than 64 parts");
    expect_bad("model:" + std::string(2000, 'a'), "longer than");
}

TEST(Rights, SayWhatTheyMeanAndHowRiskyTheyAre) {
    const auto expect = [](std::string_view text, std::string_view words, Risk risk) {
        EXPECT_EQ(in_words(right(text)), words);
        EXPECT_EQ(risk_of(right(text)), risk) << text;
    };
    expect("read:workspace", "read every file in the project folder", Risk::medium);
    expect("write:workspace/docs/**", "write \"docs/**\" in the project folder", Risk::high);
    expect("write:cache", "write any file in its own cache folder", Risk::low);
    expect("read:selected", "read the files and folders that you name on the command line", Risk::low);
    expect("network:api.example.com:443", "connect to api.example.com, port 443", Risk::medium);
    expect("network:*.example.com", "connect to any host below example.com, any port", Risk::medium);
    expect("network:*.com", "connect to any host below com, any port", Risk::high);
    expect("network:*", "connect to any host, those of your own network too, any port", Risk::high);
    expect("network:192.168.0.1:80", "connect to 192.168.0.1, port 80", Risk::high);
    expect("process:git", "run the program git, with all your rights", Risk::high);
    expect("system:clock", "read the system's clock", Risk::low);
    expect("ipc:bus:progress.*", "send and receive messages on the bus, channel progress.*", Risk::low);
}

TEST(Rights, KnowTheNeighbourhood) {
    for (const auto* host : {"localhost", "a.localhost", "printer.local", "db", "x.internal", "127.0.0.1", "10.1.2.3", "[::1]", "[fd00::1]", "[fe80::1]",
                             "169.254.169.254", "[::ffff:192.168.0.1]", "*", "*.local", "nas.home.arpa"}) {
        EXPECT_TRUE(right("network:" + std::string(host)).is_private_network()) << host;
    }
    for (const auto* host : {"api.example.com", "*.example.com", "8.8.8.8", "[2606:4700::1111]", "localhost.example.com"}) {
        EXPECT_FALSE(right("network:" + std::string(host)).is_private_network()) << host;
    }
}

TEST(Rights, OfAManifestAreOneSet) {
    const auto parsed = parse("[extension]\nname = \"a\"\nversion = \"1.0.0\"\ntype = \"tool\"\n[capabilities]\n"
                              "file_access = [\"read:workspace\", { value = \"write:workspace\", optional = true }]\nnetwork_access = [\"A.example\"]\n",
                              "manifest.toml", Strictness::load);
    ASSERT_TRUE(parsed.manifest);
    EXPECT_EQ(RightSet::requested(*parsed.manifest).text(), "read:workspace\nwrite:workspace\nnetwork:a.example\n");
    EXPECT_EQ(RightSet::requested(*parsed.manifest, false).text(), "read:workspace\nnetwork:a.example\n");
}

} // namespace
} // namespace symphony::manifests
