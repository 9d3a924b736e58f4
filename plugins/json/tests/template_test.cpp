// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

namespace {

using symphony::ValueBuilder;

constexpr std::string_view values = R"({"title":"<A & \"B\">","n":3,"x":1.5,"yes":true,"none":null,"list":[{"name":"first"},"second"],"a.b":"dotted","s":{"t":"in's"}})";

symphony::Result<symphony::Value> fill(std::string_view text, std::string_view escape) {
    return run("template", ValueBuilder().map().add("template", text).add("values", from_text(values)).add("escape", escape).end().build().view());
}
void expect_text(std::string_view text, std::string_view filled, std::string_view escape = "html") {
    SCOPED_TRACE(text);
    const auto result = fill(text, escape);
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ((*result)["text"].as_text(), filled);
}
void expect_bad(std::string_view text, std::string_view reason, std::string_view message) {
    SCOPED_TRACE(text);
    const auto result = fill(text, "html");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason(), reason);
    EXPECT_EQ(result.error().message(), "template: " + std::string(message));
}

TEST(Template, FillsPlaceholdersByPath) {
    expect_text("", "");
    expect_text("no braces { } }}", "no braces { } }}");
    expect_text("{{n}}-{{ x }}-{{yes}}-{{none}}-{{s.t}}", "3-1.5-true--in&#39;s");
    expect_text("{{list.0.name}} {{list.1}} {{/list/0/name}} {{/a.b}}", "first second first dotted");
    expect_text("{{list}}", "[{&quot;name&quot;:&quot;first&quot;},&quot;second&quot;]");
}

TEST(Template, EscapesUnlessAskedNotTo) {
    expect_text("{{title}}", "&lt;A &amp; &quot;B&quot;&gt;");
    expect_text("{{{title}}}", "<A & \"B\">");
    expect_text("{{title}}", "<A & \"B\">", "none");
    expect_text("{{title}} {{n}}", R"("\u003cA & \"B\">" 3)", "json");
}

TEST(Template, NeverFillsWhatItFilledIn) {
    const auto result = run("template", R"({"template":"{{a}}","values":{"a":"{{b}}","b":"secret"}})");
    ASSERT_TRUE(result);
    EXPECT_EQ((*result)["text"].as_text(), "{{b}}");
}

TEST(Template, KeepsEscapedBraces) {
    expect_text("\\{{n}} {{n}}", "{{n}} 3");
    expect_text("\\{{", "{{");
}

TEST(Template, NamesWhatIsMissing) {
    expect_bad("ok\nä {{s.u}}", "missing-key", R"(line 2, column 3: {{s.u}}: there is no "u" in the values)");
    expect_bad("{{list.2}}", "missing-key", R"(line 1, column 1: {{list.2}}: there is no "2" in the values)");
    expect_bad("{{n.x}}", "missing-key", R"(line 1, column 1: {{n.x}}: there is no "x" in the values)");
    expect_bad("{{a.b}}", "missing-key", R"(line 1, column 1: {{a.b}}: there is no "a" in the values)");
    expect_bad("{{list.99999999999999999999}}", "missing-key", R"(line 1, column 1: {{list.99999999999999999999}}: there is no "99999999999999999999" in the values)");
}

TEST(Template, RefusesBrokenPlaceholders) {
    expect_bad("a {{n", "bad-placeholder", "line 1, column 3: a placeholder that is opened and not closed");
    expect_bad("{{n}", "bad-placeholder", "line 1, column 1: a placeholder that is opened and not closed");
    expect_bad("{{{n}}", "bad-placeholder", "line 1, column 1: a placeholder that is opened and not closed");
    expect_bad("{{n\n}}", "bad-placeholder", "line 1, column 1: a placeholder that is opened and not closed");
    expect_bad("{{ }}", "bad-placeholder", "line 1, column 1: a placeholder without a path");
    expect_refused("template", R"({"template":"","values":[]})", "wrong-kind", R"(template: input "values" is list, not map)");
    expect_refused("template", R"({"template":"","values":{},"escape":"xml"})", "bad-choice", R"(template: input "escape" is "xml", not html, none or json)");
}

TEST(Template, IsBounded) {
    ValueBuilder input;
    std::string text;
    for (int i = 0; i < 300; ++i) text += "{{x}}";
    input.map().add("template", text).key("values").map().add("x", std::string(1 << 20, 'x')).end().end();
    const auto result = run("template", input.build().view());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason(), "too-large");
}

} // namespace
