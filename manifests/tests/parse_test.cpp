// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace symphony::manifests {
namespace {

// Four lines, so that what a test adds begins in line 5.
constexpr std::string_view head = "[extension]\nname = \"a\"\nversion = \"1.0.0\"\ntype = \"tool\"\n";

Manifest read(const std::string& more) {
    const auto parsed = parse(std::string(head) + more, "m.toml", Strictness::load);
    EXPECT_THAT(parsed.diagnostics, testing::IsEmpty()) << format(parsed.diagnostics);
    return parsed.manifest.value_or(Manifest());
}

struct Wrong {
    std::string text;      ///< behind the head, or a whole manifest when it begins with '!'
    const char* reason;
    unsigned line;
    unsigned column;
    const char* message;   ///< a part of it
    const char* hint = ""; ///< a part of it
};

void expect_wrong(const Wrong& wrong, Strictness strictness = Strictness::load) {
    SCOPED_TRACE(wrong.text);
    const bool whole = wrong.text.starts_with('!');
    const auto parsed = parse(whole ? wrong.text.substr(1) : std::string(head) + wrong.text, "m.toml", strictness);
    EXPECT_FALSE(parsed.manifest);
    std::vector<Diagnostic> errors;
    for (const auto& one : parsed.diagnostics) {
        if (one.severity == Severity::error) errors.push_back(one);
    }
    ASSERT_EQ(errors.size(), 1u) << format(parsed.diagnostics);
    const auto& found = errors.front();
    EXPECT_EQ(found.reason, wrong.reason) << format(found);
    EXPECT_EQ(found.line, wrong.line) << format(found);
    EXPECT_EQ(found.column, wrong.column) << format(found);
    EXPECT_THAT(found.message, testing::HasSubstr(wrong.message));
    EXPECT_THAT(found.hint, testing::HasSubstr(wrong.hint));
    EXPECT_EQ(found.file, "m.toml");
}

std::string file_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    EXPECT_TRUE(in) << path;
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Parse, LoadsTheSeedsExampleUnmodified) {
    const auto text = file_text(SYMPHONY_MANIFESTS_DIR "/examples/seed-gpt-4.toml");
    for (const auto strictness : {Strictness::load, Strictness::lint}) {
        const auto parsed = parse(text, "seed-gpt-4.toml", strictness);
        ASSERT_TRUE(parsed.manifest) << format(parsed.diagnostics);
        const auto& manifest = *parsed.manifest;
        EXPECT_EQ(manifest.id(), "gpt-4-instrument");
        EXPECT_EQ(manifest.extension.type, ExtensionType::instrument);
        ASSERT_TRUE(manifest.host);
        EXPECT_EQ(manifest.host->range.text(), "^1.0");
        ASSERT_EQ(manifest.dependencies.size(), 1u);
        EXPECT_EQ(manifest.dependencies[0].id, "tokio");
        EXPECT_EQ(manifest.dependencies[0].place.line, 15u);
        EXPECT_EQ(manifest.capabilities.size(), 5u);
        EXPECT_EQ(manifest.resources.memory_limit_bytes, 2'000'000'000u);
        EXPECT_EQ(manifest.resources.cpu_limit_percent, 50u);
        ASSERT_EQ(manifest.configuration.size(), 2u);
        EXPECT_TRUE(manifest.configuration[0].secret);
        EXPECT_EQ(manifest.configuration[1].default_value, Data(0.7));
        EXPECT_TRUE(manifest.artifacts.empty());
    }
}

TEST(Parse, ReadsEveryKey) {
    const auto parsed = parse(file_text(SYMPHONY_MANIFESTS_DIR "/examples/everything.toml"), "everything.toml", Strictness::lint);
    ASSERT_TRUE(parsed.manifest) << format(parsed.diagnostics);
    const auto& all = *parsed.manifest;
    EXPECT_EQ(all.extension.version.text(), "1.2.0-rc.1+build.5");
    EXPECT_EQ(all.extension.replaces, std::vector<std::string>{"org.example.almost-everything"});
    EXPECT_EQ(all.abi.threads, Threads::concurrent);
    ASSERT_NE(all.find_provide("command/1"), nullptr);
    EXPECT_EQ(all.find_provide("command/1")->data, (Data::Map{{"groups", Data::List{"demo"}}, {"weight", 0.5}}));
    EXPECT_EQ(all.find_provide("operator/1")->priority, 60);
    ASSERT_NE(all.find_operation("convert"), nullptr);
    EXPECT_EQ(all.find_operation("convert")->inputs[1].type.text(), "map<text>?");
    EXPECT_EQ(all.needs[0].provider, "org.example.store");
    EXPECT_EQ(all.needs[1].cardinality, Cardinality::many);
    EXPECT_EQ(all.capabilities[2].reason, "mirrors");
    EXPECT_TRUE(all.capabilities[2].optional);
    EXPECT_EQ(all.resources.output_volume_bytes, 16'000'000u);
    EXPECT_EQ(all.resources.start_timeout_ms, 5000u);
    EXPECT_EQ(all.configuration.size(), 10u);
    EXPECT_EQ(all.configuration[5].default_value, Data(2000));
    EXPECT_EQ(all.configuration[5].min, Data(100));
    EXPECT_EQ(all.configuration[6].max, Data(1'048'576));
    EXPECT_TRUE(all.activation.startup);
    EXPECT_EQ(all.package.include, (std::vector<std::string>{"models", "data/words.txt"}));
    EXPECT_EQ(all.activation.ports, std::vector<std::string>{"operator/1"});
    ASSERT_EQ(all.commands.size(), 1u);
    EXPECT_EQ(all.commands[0].arguments[0].selects, Selects::read);
    EXPECT_EQ(all.commands[0].flags[1].default_value, "out");
    EXPECT_EQ(all.commands[0].flags[2].selects, Selects::both);
    EXPECT_EQ(all.commands[0].flags[3].value, "");
    ASSERT_NE(all.find_artifact("x86_64-linux-gnu"), nullptr);
    EXPECT_EQ(all.find_artifact("x86_64-linux-gnu")->size_bytes, 412'345u);
    EXPECT_EQ(all.find_artifact("riscv64-linux-gnu"), nullptr);
}

TEST(Parse, KeepsInputsAndSettingsInWrittenOrder) {
    const auto manifest = read("[provides]\n\"operator/1\" = {}\n[[operation]]\nname = \"o\"\ninputs = { z = \"text\", a = \"text\", m = \"any\" }\n"
                               "outputs = { b = \"text\", a = \"text\" }\n[configuration]\nz = { type = \"string\" }\na.type = \"string\"\n");
    ASSERT_EQ(manifest.operations.size(), 1u);
    EXPECT_EQ(manifest.operations[0].inputs[0].name, "z");
    EXPECT_EQ(manifest.operations[0].inputs[2].name, "m");
    EXPECT_EQ(manifest.operations[0].outputs[0].name, "b");
    EXPECT_EQ(manifest.configuration[0].name, "z");
}

TEST(Parse, SaysWhatIsMissing) {
    expect_wrong({"!", "missing-key", 1, 1, "the section [extension] is missing", "begins with [extension]"});
    expect_wrong({"!\n[extension]\nname = \"a\"\ntype = \"tool\"", "missing-key", 2, 1, "[extension]: \"version\" is missing", "1.0.0"});
    expect_wrong({"![extension]\nname = \"a\"\nversion = \"1.0.0\"", "missing-key", 1, 1, "\"type\" is missing", "instrument"});
    expect_wrong({"[[artifact]]\npath = \"x.so\"\nsize = 1\ntriple = \"x86_64-linux-gnu\"\n", "missing-key", 5, 1, "[[artifact]]: \"sha256\" is missing"});
    expect_wrong({"[dependencies]\nx = { optional = true }", "missing-key", 6, 1, "[dependencies] x: \"version\" is missing"});
}

TEST(Parse, RefusesValuesOfTheWrongKind) {
    expect_wrong({"[resources]\nthreads = \"4\"", "wrong-type", 6, 11, "[resources] threads: expected an integer, found text \"4\""});
    expect_wrong({"[resources]\nmemory_limit = 5", "wrong-type", 6, 16, "expected a size such as \"512MiB\", found integer 5"});
    expect_wrong({"[resources]\ngpu_required = \"no\"", "wrong-type", 6, 16, "expected true or false"});
    expect_wrong({"author = 1979-05-27", "wrong-type", 5, 10, "found a date or time"});
    expect_wrong({"replaces = \"x\"", "wrong-type", 5, 12, "a list of texts"});
    expect_wrong({"[provides]\n\"operator/1\" = 50", "wrong-type", 6, 16, "[provides] operator/1: expected a table"});
    expect_wrong({"[dependencies]\nx = 1", "wrong-type", 6, 5, "expected text or a table"});
    expect_wrong({"[operation]\nname = \"x\"", "wrong-type", 5, 1, "expected a list of tables", "write [[operation]]"});
    expect_wrong({"[[abi]]", "wrong-type", 5, 1, "expected a table, found a list"});
    expect_wrong({"[capabilities]\nfile_access = \"read:workspace\"", "wrong-type", 6, 15, "a list of permissions"});
    expect_wrong({"[configuration]\nx = { type = \"string\", default = 1979-05-27 }", "wrong-type", 6, 34, "dates and times"});
}

TEST(Parse, RefusesMalformedNames) {
    expect_wrong({"![extension]\nname = \"Word Count\"\nversion = \"1.0.0\"\ntype = \"tool\"", "bad-name", 2, 8, "found \"Word Count\""});
    expect_wrong({"id = \"Org.Example\"", "bad-id", 5, 6, "expected an id"});
    expect_wrong({"[provides]\noperator = {}", "bad-port", 6, 1, "such as \"operator/1\""});
    expect_wrong({"[requires]\n\"operator/0\" = {}", "bad-port", 6, 1, "operator/0"});
    expect_wrong({"[package]\ninclude = [\"../models\"]", "path-escape", 6, 12, "\"../models\""});
    expect_wrong({"[activation]\non = [\"later\"]", "bad-activation", 6, 7, "\"startup\" or"});
    expect_wrong({"homepage = \"example.org\"", "bad-value", 5, 12, "https://"});
    expect_wrong({"[configuration]\nKey = { type = \"string\" }", "bad-name", 6, 1, "found \"Key\""});
    expect_wrong({"[abi]\nversion = \"1\"", "bad-abi-version", 6, 11, "major.required-minor"});
    expect_wrong({"[abi]\nversion = \"0.9\"", "bad-abi-version", 6, 11, "major.required-minor"});
    expect_wrong({"![extension]\nname = \"a\"\nversion = \"1.0\"\ntype = \"tool\"", "bad-version", 3, 11, "found \"1.0\"", "major.minor.patch"});
    expect_wrong({"[dependencies]\nx = \">>1\"", "bad-range", 6, 5, "expected a version range"});
}

TEST(Parse, SuggestsTheNearestWord) {
    expect_wrong({"![extension]\nname = \"a\"\nversion = \"1.0.0\"\ntype = \"instrment\"", "unknown-value", 4, 8, "found text \"instrment\"",
                  "did you mean \"instrument\"?"});
    expect_wrong({"[abi]\nplacement = \"in_process\"", "unknown-value", 6, 13, "any, in-process or isolated", "did you mean \"in-process\"?"});
    expect_wrong({"[provides]\n\"operator/1\" = {}\n[[operation]]\nname = \"o\"\ninputs = { a = \"txt\" }\n", "bad-type", 9, 16,
                  "[[operation]] inputs.a", "did you mean \"text\"?"});
}

TEST(Parse, RefusesUnknownPermissionsAtLoadToo) {
    for (const auto strictness : {Strictness::lint, Strictness::load}) {
        expect_wrong({"[capabilities]\nfile_acces = [\"read:config\"]", "unknown-permission", 6, 1, "in [capabilities]", "did you mean \"file_access\"?"}, strictness);
    }
}

TEST(Parse, TakesUnknownKeysAsErrorsInLintAndAsWarningsAtLoad) {
    const Wrong wrongs[] = {
        {"auther = \"x\"", "unknown-key", 5, 1, "unknown key \"auther\" in [extension]", "did you mean \"author\"?"},
        {"[resorces]\n", "unknown-key", 5, 2, "unknown section [resorces]", "did you mean \"resources\"?"},
        {"[abi]\nqqq = 1", "unknown-key", 6, 1, "unknown key \"qqq\" in [abi]", "known here: version, placement, minimum_grade, threads and reload"},
        {"[configuration]\nx = { type = \"integer\", mim = 1 }", "unknown-key", 6, 25, "in [configuration] x", "did you mean \"min\"?"},
    };
    for (const auto& wrong : wrongs) {
        expect_wrong(wrong, Strictness::lint);
        const auto parsed = parse(std::string(head) + wrong.text, "m.toml", Strictness::load);
        EXPECT_TRUE(parsed.manifest);
        ASSERT_EQ(parsed.diagnostics.size(), 1u);
        EXPECT_EQ(parsed.diagnostics[0].severity, Severity::warning);
    }
}

TEST(Parse, ReportsEverythingAtOnceInTheOrderOfTheFile) {
    const auto parsed = parse("[extension]\nname = \"A\"\nversion = \"1\"\ntype = \"x\"\n[abi]\nthreads = 1\n[resources]\nmemory_limit = \"2 GB\"\nopen_files = 0\n"
                              "[provides]\nx = {}\n[configuration]\nk = { type = \"integer\", default = \"a\" }\n", "m.toml", Strictness::lint);
    EXPECT_FALSE(parsed.manifest);
    std::vector<std::pair<std::uint32_t, std::string>> found;
    for (const auto& one : parsed.diagnostics) {
        if (one.severity == Severity::error) found.emplace_back(one.line, one.reason);
    }
    const std::vector<std::pair<std::uint32_t, std::string>> expected{
        {2, "bad-name"}, {3, "bad-version"}, {4, "unknown-value"}, {6, "wrong-type"}, {8, "bad-size"}, {9, "out-of-range"}, {11, "bad-port"}, {13, "wrong-type"}};
    EXPECT_EQ(found, expected) << format(parsed.diagnostics);
}

TEST(Parse, RefusesPathsThatLeaveThePluginsFolder) {
    for (const auto* path : {"", "/lib/x.so", "../x.so", "lib/../../x.so", "a/..", "..", "lib\\\\x.so", "C:x.so", "./x.so", "a//x.so", "a/", "x\\u0000.so"}) {
        expect_wrong({"[[artifact]]\ntriple = \"x86_64-linux-gnu\"\npath = \"" + std::string(path) + "\"\nsize = 1\nsha256 = \"" + std::string(64, 'a') + "\"",
                      "path-escape", 7, 8, "a path inside the plugin's folder"});
    }
    for (const auto* path : {"x.so", "lib/x.so", "..x.so", "a..b/x.so", "lib/x86/x.so"}) {
        read("[[artifact]]\ntriple = \"x86_64-linux-gnu\"\npath = \"" + std::string(path) + "\"\nsize = 1\nsha256 = \"" + std::string(64, 'a') + "\"");
    }
}

TEST(Parse, ChecksArtifacts) {
    const std::string good = "[[artifact]]\ntriple = \"x86_64-linux-gnu\"\npath = \"x.so\"\nsize = 1\nsha256 = \"" + std::string(64, 'a') + "\"\n";
    expect_wrong({good + good, "duplicate", 10, 1, "\"x86_64-linux-gnu\" is given twice"});
    expect_wrong({"[[artifact]]\ntriple = \"x86_64-linux-gnu\"\npath = \"x.so\"\nsize = 0\nsha256 = \"" + std::string(64, 'a') + "\"", "out-of-range", 8, 8, "at least 1"});
    expect_wrong({"[[artifact]]\ntriple = \"x86_64-linux-gnu\"\npath = \"x.so\"\nsize = 1\nsha256 = \"" + std::string(64, 'A') + "\"", "bad-digest", 9, 10, "64 lower-case"});
}

TEST(Parse, ChecksPermissions) {
    const std::pair<const char*, const char*> wrongs[] = {
        {"file_access", "workspace"}, {"file_access", "execute:workspace"}, {"file_access", "read:"}, {"file_access", "read:workspace/../x"},
        {"file_access", "read:/etc"}, {"network_access", "https://a.example"}, {"network_access", "a.example/path"}, {"network_access", "a.example:0"},
        {"network_access", "a.example:99999"}, {"network_access", "a.example:90-80"}, {"network_access", "a.*"}, {"network_access", "0x7f.1"}, {"file_access", "read:workspace/[a-z]"}, {"ipc_access", "progress"}, {"network_access", "a..b"}, {"network_access", ""}, {"process_exec", ""}, {"model_access", " x"}};
    for (const auto& [kind, value] : wrongs) {
        const auto column = static_cast<unsigned>(std::string_view(kind).size()) + 5;
        expect_wrong({"[capabilities]\n" + std::string(kind) + " = [\"" + value + "\"]", "bad-capability", 6, column, kind});
    }
    read("[capabilities]\nfile_access = [\"read:workspace\", \"write:cache/a/b\"]\nnetwork_access = [\"a.example\", \"*.a.example:443\", \"127.0.0.1:80\", \"[::1]:80\", \"[fe80::1]\"]\n");
    expect_wrong({"[capabilities]\nprocess_exec = [\"git\", \"git\"]", "duplicate", 6, 24, "\"git\" is given twice"});
}

TEST(Parse, FindsContradictions) {
    const Wrong wrongs[] = {
        {"replaces = [\"a\"]", "contradiction", 1, 1, "cannot replace itself"},
        {"replaces = [\"b\", \"b\"]", "duplicate", 1, 1, "\"b\" is given twice"},
        {"[dependencies]\na = \"1\"", "contradiction", 6, 1, "cannot depend on itself"},
        {"[requires]\n\"x/1\" = { provider = \"p\", cardinality = \"many\" }", "contradiction", 6, 1, "one provider is named"},
        {"[requires]\n\"x/1\" = { provider = \"a\" }", "contradiction", 6, 1, "its own provider"},
        {"[activation]\non = [\"port:operator/1\"]", "not-provided", 5, 1, "does not provide \"operator/1\"", "[provides]"},
        {"[[operation]]\nname = \"o\"", "missing-port", 5, 1, "operations need the port", "\"operator/1\" = {}"},
        {"[[command]]\nname = \"c\"", "missing-port", 5, 1, "commands need the port", "\"command/1\" = {}"},
        {"[provides]\n\"operator/1\" = {}\n[[operation]]\nname = \"o\"\n[[operation]]\nname = \"o\"", "duplicate", 9, 1, "operation \"o\" is given twice"},
    };
    for (const auto& wrong : wrongs) expect_wrong(wrong);
}

TEST(Parse, ChecksCommands) {
    const std::string command = "[provides]\n\"command/1\" = {}\n[[command]]\nname = \"c\"\n";
    const Wrong wrongs[] = {
        {"[provides]\n\"command/1\" = {}\n[[command]]\nname = \"list\"", "reserved-name", 7, 1, "\"list\" is a command of the host"},
        {"[provides]\n\"command/1\" = {}\n[[command]]\nname = \"cleaner\"\nadds_to = \"doctor\"", "contradiction", 7, 1, "adds to doctor and is not called so"},
        {"[provides]\n\"command/1\" = {}\n[[command]]\nname = \"doctor now\"", "reserved-name", 7, 1, "\"doctor\""},
        {"[provides]\n\"command/1\" = {}\n[[command]]\nname = \"a b c d\"", "bad-name", 8, 8, "one to three"},
        {command + "flags = [{ name = \"json\" }]", "reserved-name", 9, 10, "--json"},
        {command + "flags = [{ name = \"hm\", short = \"h\" }]", "reserved-name", 9, 10, "-h"},
        {command + "flags = [{ name = \"aa\", short = \"x\" }, { name = \"bb\", short = \"x\" }]", "duplicate", 9, 40, "short flag \"x\""},
        {command + "flags = [{ name = \"aa\", default = \"1\" }]", "contradiction", 9, 10, "is a switch"},
        {command + "arguments = [{ name = \"a\", repeat = true }, { name = \"b\" }]", "contradiction", 9, 14, "only the last argument may repeat"},
        {command + "arguments = [{ name = \"a\" }, { name = \"b\", required = true }]", "contradiction", 9, 30, "may be left out"},
        {command + "arguments = [{ name = \"a\", selects = \"execute\" }]", "unknown-value", 9, 38, "expected read, write or read-write"},
        {command + command.substr(command.find("[[")), "duplicate", 9, 1, "command \"c\" is given twice"},
    };
    for (const auto& wrong : wrongs) expect_wrong(wrong);
    EXPECT_EQ(read("[provides]\n\"command/1\" = {}\n[[command]]\nname = \"runs list\"").commands[0].name, "runs list");
}

TEST(Parse, ChecksSettings) {
    const Wrong wrongs[] = {
        {"k = {}", "missing-key", 6, 1, "\"type\" is missing", "string, integer, float"},
        {"k = { type = \"integer\", default = 1.5 }", "wrong-type", 6, 35, "k.default: expected an integer, found a number"},
        {"k = { type = \"integer\", default = 5, max = 4 }", "out-of-range", 6, 35, "expected at most 4"},
        {"k = { type = \"integer\", min = 5, max = 4 }", "contradiction", 6, 1, "min 5 is greater than max 4"},
        {"k = { type = \"boolean\", min = 0 }", "wrong-type", 6, 31, "k.min: expected true or false"},
        {"k = { type = \"boolean\", min = false }", "contradiction", 6, 1, "neither min nor max"},
        {"k = { type = \"float\", default = nan }", "not-finite", 6, 33, "finite"},
        {"k = { type = \"string\", default = \"abc\", max = 2 }", "out-of-range", 6, 34, "at most 2 characters"},
        {"k = { type = \"string\", default = \"c\", choices = [\"a\", \"b\"] }", "out-of-range", 6, 34, "expected \"a\" or \"b\""},
        {"k = { type = \"string\", choices = [\"a\", \"a\"] }", "duplicate", 6, 34, "given twice"},
        {"k = { type = \"string\", choices = [\"a\", 1] }", "wrong-type", 6, 34, "k.choices: expected text"},
        {"k = { type = \"duration\", default = \"5 s\" }", "wrong-type", 6, 36, "a duration such as"},
        {"k = { type = \"size\", default = -1 }", "wrong-type", 6, 32, "a size such as"},
        {"k = { type = \"string\", secret = true, default = \"hunter2\" }", "secret-default", 6, 49, "is none"},
        {"enabled = { type = \"string\" }", "contradiction", 6, 1, "its type is \"boolean\""},
    };
    for (auto wrong : wrongs) {
        wrong.text = "[configuration]\n" + wrong.text;
        expect_wrong(wrong);
    }
}

TEST(Parse, RefusesControlCharactersThatTerminalsObey) {
    expect_wrong({"author = \"a\\u001b[31m\"", "control-character", 5, 10, "[extension] author"});
    expect_wrong({"author = \"a\\u009b31m\"", "control-character", 5, 10, "[extension] author"});
    expect_wrong({"author = \"a\\u0000b\"", "control-character", 5, 10, "[extension] author"});
    EXPECT_EQ(read("author = \"a\\tb\\nc é\"").extension.author, "a\tb\nc é");
}

TEST(Parse, TellsWhereTheTomlIsBroken) {
    expect_wrong({"author = ", "toml-syntax", 5, 10, "not TOML"});
    expect_wrong({"name = \"b\"", "duplicate-key", 5, 8, "cannot redefine"});
    expect_wrong({"author = \"\xff\"", "toml-syntax", 5, 10, "not TOML"});
}

TEST(Parse, RefusesFilesThatAreTooLargeOrTooDeep) {
    expect_wrong({"!#" + std::string(manifest_bytes_max, 'x'), "too-large", 0, 0, "262145 bytes"});
    std::string dots = "a";
    for (int i = 0; i < 10'000; ++i) dots += ".a";
    expect_wrong({"[" + dots + "]", "too-deep", 5, 35, "17 parts"});
    expect_wrong({"x = " + std::string(100, '['), "toml-syntax", 5, 37, "nested"});
    expect_wrong({"x = \"\"\"\n\"\" \\\"\"\"\"" + std::string("\n") + dots + " = 1", "too-deep", 7, 34, "17 parts"});
    EXPECT_EQ(read("author = \"" + dots + "\" # " + dots).extension.author, dots);
    EXPECT_EQ(read("author = '''" + dots + "'''''").extension.author, dots + "''");
}

TEST(Parse, StopsCountingAtAThousandFindings) {
    std::string text(head);
    for (int i = 0; i < 3000; ++i) text += "k" + std::to_string(i) + " = 1\n";
    const auto parsed = parse(text, "m.toml", Strictness::lint);
    EXPECT_EQ(parsed.diagnostics.size(), 1001u);
    EXPECT_EQ(parsed.diagnostics.back().reason, "too-many-errors");
}

TEST(Parse, NamesWhatItRefuses) {
    const auto parsed = parse("[extension]\nid = \"org.example.b\"\nname = \"b\"\nversion = \"1.2.0\"\ntype = \"nonsense\"", "m.toml", Strictness::load);
    EXPECT_FALSE(parsed.manifest);
    EXPECT_EQ(parsed.id, "org.example.b");
    EXPECT_EQ(parsed.name, "b");
    EXPECT_EQ(parsed.version, "1.2.0");
}

TEST(Parse, AdvisesAuthorsOnly) {
    EXPECT_THAT(parse(head, "m.toml", Strictness::load).diagnostics, testing::IsEmpty());
    const auto linted = parse(head, "m.toml", Strictness::lint);
    EXPECT_TRUE(linted.manifest);
    EXPECT_THAT(linted.diagnostics, testing::Each(testing::Field(&Diagnostic::reason, "advice")));
    EXPECT_EQ(linted.diagnostics.size(), 2u);
    EXPECT_EQ(parse("", "m.toml", Strictness::lint).diagnostics.size(), 1u);
    const auto near = parse(std::string(head) + "[provides]\n\"x/1\" = { priorty = 3 }", "m.toml", Strictness::lint);
    EXPECT_THAT(near.diagnostics, testing::Contains(testing::Field(&Diagnostic::reason, "near-key")));
}

} // namespace
} // namespace symphony::manifests
