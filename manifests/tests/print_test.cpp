// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/parse.hpp>
#include <symphony/manifests/print.hpp>

#include <gtest/gtest.h>

#include <random>

namespace symphony::manifests {
namespace {

void expect_prints(std::string_view text, std::string_view printed) {
    const auto parsed = parse(text, "m.toml", Strictness::load);
    ASSERT_TRUE(parsed.manifest) << format(parsed.diagnostics);
    EXPECT_EQ(print(*parsed.manifest), printed);
}

TEST(Print, LeavesOutWhatGoesWithoutSaying) {
    expect_prints("type = 'x'\n[extension]\ntype = 'tool'\nversion = '1.0.0'\nname = 'a'\nid = 'a'\nauthor = ''\n[abi]\nversion = '1.0'\nplacement = 'any'\n"
                  "[provides.'x/1']\npriority = 50\n[resources]\ngpu_required = false\n[capabilities]\nprocess_exec = []\n",
                  "[extension]\nname = \"a\"\nversion = \"1.0.0\"\ntype = \"tool\"\n\n[provides]\n\"x/1\" = {}\n");
}

TEST(Print, GivesOneFormForManyWritings) {
    expect_prints("[extension]\nname = 'a'\nversion = '1.0.0'\ntype = 'tool'\n[dependencies]\nz = { version = '1' }\nsymphony-core = '1.0'\nb = '>=1,<2'\n"
                  "[resources]\nmemory_limit = '0.5GB'\n[configuration]\nt = { type = 'float', default = 1 }\nd = { type = 'duration', default = 120000 }\n",
                  "[extension]\nname = \"a\"\nversion = \"1.0.0\"\ntype = \"tool\"\n\n[dependencies]\nb = \">=1, <2\"\nsymphony-core = \"^1.0\"\nz = \"^1\"\n\n"
                  "[resources]\nmemory_limit = \"500MB\"\n\n[configuration]\nt = { type = \"float\", default = 1.0 }\nd = { type = \"duration\", default = \"2m\" }\n");
}

TEST(Print, WritesLongHelpAsPeopleDo) {
    expect_prints("[extension]\nname = 'a'\nversion = '1.0.0'\ntype = 'tool'\n[provides]\n'command/1' = {}\n[[command]]\nname = 'c'\n"
                  "help = \"\\nline \\\"one\\\"\\n\\\"\\\"\\\"three\\\"\"\n",
                  "[extension]\nname = \"a\"\nversion = \"1.0.0\"\ntype = \"tool\"\n\n[provides]\n\"command/1\" = {}\n\n[[command]]\nname = \"c\"\n"
                  "help = \"\"\"\n\nline \"one\"\n\\\"\\\"\"three\\\"\"\"\"\n");
}

/// Manifests that `parse` could have made, by chance.
class Chance {
public:
    explicit Chance(std::uint32_t seed) : engine_(seed) {}

    Manifest manifest() {
        Manifest out;
        auto& who = out.extension;
        who.name = "n" + word();
        who.id = one_in(2) ? who.name : "org." + word();
        who.version = {upto(5), upto(5), upto(5), one_in(3) ? "rc." + std::to_string(upto(9)) : "", one_in(3) ? "b" + word() : ""};
        who.type = static_cast<ExtensionType>(upto(14));
        who.author = text();
        who.description = text();
        out.abi = {1, static_cast<std::uint32_t>(upto(3)), static_cast<Placement>(upto(2)), static_cast<MinimumGrade>(upto(4)), static_cast<Threads>(upto(3)), static_cast<Reload>(upto(1)), {}, {}};
        out.provides.push_back({"command/1", 50, false, {}, {}});
        out.provides.push_back({"operator/1", static_cast<std::int32_t>(upto(1000)), one_in(2), {}, {}});
        if (one_in(2)) out.provides.push_back({"port-x/2", 7, true, {{"a", data(0)}, {"b " + text(), data(0)}}, {}});
        if (one_in(2)) out.needs.push_back({"a.b/3", one_in(2), one_in(2) ? Cardinality::many : Cardinality::one, "", {}});
        if (one_in(2)) out.host = Dependency{"symphony-core", range(), one_in(2), {}};
        for (const auto* id : {"dep.a", "tokio"}) {
            if (one_in(2)) out.dependencies.push_back({id, range(), one_in(2), {}});
        }
        for (std::uint64_t i = upto(3); i != 0; --i) operation(out, "o" + std::to_string(i));
        if (one_in(2)) out.capabilities.push_back({CapabilityKind::model_access, "m" + word(), text(), one_in(2), {}});
        if (one_in(2)) out.capabilities.push_back({CapabilityKind::file_access, "read:" + ("r" + word()), "", false, {}});
        if (one_in(2)) out.resources.memory_limit_bytes = upto(INT64_MAX);
        if (one_in(2)) out.resources.start_timeout_ms = upto(1'000'000);
        if (one_in(2)) out.resources.cpu_limit_percent = static_cast<std::uint32_t>(1 + upto(1000));
        out.resources.gpu_required = one_in(2);
        for (std::uint64_t i = upto(4); i != 0; --i) out.configuration.push_back(setting("k" + std::to_string(i)));
        out.activation.startup = one_in(3);
        if (one_in(3)) out.package.include.push_back("models/words.txt");
        if (one_in(3)) out.activation.ports.push_back("operator/1");
        for (std::uint64_t i = upto(2); i != 0; --i) command(out, "c" + std::to_string(i) + (one_in(2) ? " sub" : ""));
        if (one_in(2)) out.artifacts.push_back({"x86_64-linux-gnu", "lib/x.so", 1 + upto(1 << 30), std::string(64, 'e'), {}, {}, {}});
        return out;
    }

private:
    std::uint64_t upto(std::uint64_t max) { return std::uniform_int_distribution<std::uint64_t>(0, max)(engine_); }
    bool one_in(unsigned n) { return upto(n - 1) == 0; }
    std::string word() {
        std::string out;
        for (auto n = 1 + upto(8); n != 0; --n) out += static_cast<char>('a' + upto(25));
        return out;
    }
    std::string text() {
        constexpr std::string_view pieces[] = {"a", "\"", "\\", "\n", "\t", "é", "'", "\"\"\"", " ", "#", "=", "\\u0041", "{", "]", "🎼"};
        std::string out;
        for (auto n = upto(8); n != 0; --n) out += pieces[upto(std::size(pieces) - 1)];
        return out;
    }
    Range range() {
        constexpr const char* ranges[] = {"*", "^1", "~1.2", "=1.2.3-rc.1", ">=1, <2", "1.*", "0.0.3"};
        return *Range::parse(ranges[upto(std::size(ranges) - 1)]);
    }
    Type type() {
        Type out(static_cast<Type::Kind>(upto(7)));
        for (auto n = upto(3); n != 0; --n) out = one_in(2) ? Type::list_of(out) : Type::map_of(out);
        return out.as_optional(one_in(2));
    }
    double number() {
        const double numbers[] = {0.0, 0.1, -1e300, 1e-9, 3.0, 1e22, 123456.789};
        return numbers[upto(std::size(numbers) - 1)];
    }
    Data data(int depth) {
        switch (upto(depth < 3 ? 5 : 3)) {
        case 0: return one_in(2);
        case 1: return static_cast<std::int64_t>(upto(UINT64_MAX));
        case 2: return number();
        case 3: return text();
        case 4: return Data::List{data(depth + 1), data(depth + 1)};
        default: return Data::Map{{"", data(depth + 1)}, {"k" + word(), data(depth + 1)}};
        }
    }
    void operation(Manifest& out, std::string name) {
        Operation made;
        made.name = std::move(name);
        made.summary = text();
        for (const auto* slot : {"z", "a", "m"}) {
            if (one_in(2)) made.inputs.push_back({slot, type(), {}});
            if (one_in(2)) made.outputs.push_back({slot, type(), {}});
        }
        made.pure = one_in(2);
        out.operations.push_back(std::move(made));
    }
    ConfigKey setting(std::string name) {
        ConfigKey out;
        out.name = std::move(name);
        out.type = static_cast<ConfigType>(upto(7));
        out.description = text();
        const auto natural = [&] { return Data(static_cast<std::int64_t>(upto(INT64_MAX))); };
        switch (out.type) {
        case ConfigType::string: out.choices = {"x", "y\n"}; out.max = 5; break;
        case ConfigType::integer: out.default_value = natural(); out.min = 0; break;
        case ConfigType::number: out.default_value = number(); break;
        case ConfigType::boolean: out.default_value = one_in(2); break;
        case ConfigType::duration:
        case ConfigType::size: out.default_value = natural(); out.min = 0; break;
        case ConfigType::list: out.default_value = Data::List{data(1)}; break;
        case ConfigType::map: out.default_value = Data::Map{{"a", data(1)}, {"b", data(1)}}; break;
        }
        if (out.type == ConfigType::string) out.required = out.secret = one_in(2);
        return out;
    }
    void command(Manifest& out, std::string name) {
        Command made;
        made.name = std::move(name);
        made.summary = text();
        made.help = text();
        made.examples = {text(), text()};
        made.arguments = {{"first", text(), true, false, "file", Selects::read, {}}, {"more", text(), false, true, "", Selects::nothing, {}}};
        made.flags = {{"quiet", "q", "", false, text(), "", "", Selects::nothing, {}}, {"out", "", "DIR", true, text(), text(), "", Selects::write, {}}};
        out.commands.push_back(std::move(made));
    }

    std::mt19937 engine_;
};

TEST(Print, ReadsBackAsTheSameManifest) {
    for (std::uint32_t seed = 0; seed < 500; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const auto manifest = Chance(seed).manifest();
        const auto printed = print(manifest);
        const auto parsed = parse(printed, "printed.toml", Strictness::load);
        ASSERT_TRUE(parsed.manifest) << format(parsed.diagnostics) << printed;
        ASSERT_EQ(*parsed.manifest, manifest) << printed;
        ASSERT_EQ(print(*parsed.manifest), printed);
        const auto linted = parse(printed, "printed.toml", Strictness::lint);
        ASSERT_TRUE(linted.manifest) << format(linted.diagnostics);
    }
}

TEST(Print, GivesTheSameAsJson) {
    const auto parsed = parse("[extension]\nname = 'a'\nversion = '1.0.0'\ntype = 'tool'\nauthor = 'é\"'\n[resources]\nthreads = 4\n", "m.toml", Strictness::load);
    ASSERT_TRUE(parsed.manifest);
    EXPECT_EQ(to_json(to_data(*parsed.manifest)),
              R"({"extension": {"name": "a", "version": "1.0.0", "type": "tool", "author": "é\""}, "resources": {"threads": 4}})");
}

} // namespace
} // namespace symphony::manifests
