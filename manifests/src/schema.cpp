// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/schema.hpp>

#include "fields.hpp"

#include <algorithm>

namespace symphony::manifests {
namespace {

void put(Data::Map& to, std::string_view key, Data value) { to.emplace_back(std::string(key), std::move(value)); }

Data::Map text_schema(std::string_view pattern) {
    Data::Map out;
    put(out, "type", "string");
    if (!pattern.empty()) put(out, "pattern", pattern);
    return out;
}

/// The visitor that documents a section. See fields.hpp.
class SectionSchema {
public:
    void text(const Key& key, const std::string&, const TextRule& text_rule) { add(key, text_schema(text_rule.pattern)); }
    void texts(const Key& key, const std::vector<std::string>&, const TextRule& text_rule) {
        add(key, list_of(text_schema(text_rule.pattern)));
    }
    void boolean(const Key& key, bool) {
        Data::Map out;
        put(out, "type", "boolean");
        put(out, "default", false);
        add(key, std::move(out));
    }
    template <class T>
    void integer(const Key& key, const T&, std::int64_t min, std::int64_t max, std::int64_t fallback = INT64_MIN) {
        Data::Map out;
        put(out, "type", "integer");
        put(out, "minimum", min);
        put(out, "maximum", max);
        if (fallback != INT64_MIN) put(out, "default", fallback);
        add(key, std::move(out));
    }
    template <class E>
    void choice(const Key& key, E) {
        Data::Map out;
        Data::List names;
        for (const auto name : names_of<E>()) {
            if (!name.empty()) names.emplace_back(name);
        }
        put(out, "enum", std::move(names));
        if (!key.required && !names_of<E>().front().empty()) put(out, "default", names_of<E>().front());
        add(key, std::move(out));
    }
    template <class T>
    void parsed(const Key& key, const T&, const Codec<T>& codec) { add(key, text_schema(codec.pattern)); }
    template <class T>
    void maybe(const Key& key, const std::optional<T>&, const Codec<T>& codec) { add(key, text_schema(codec.pattern)); }
    void data(const Key& key, const Data&) { add(key, {}); }
    void data_list(const Key& key, const std::vector<Data>&) { add(key, list_of({})); }
    template <class T>
    void table(const Key& key, T& shape) { add(key, section(shape)); }
    template <class T>
    void tables(const Key& key, const std::vector<T>&) {
        T shape{};
        add(key, list_of(section(shape)));
    }
    template <class T>
    void map(const Key& key, const std::vector<T>&, std::string T::*, const TextRule& name_rule, Order) {
        T shape{};
        add(key, map_of(name_rule.pattern, entry(shape)));
    }
    void slots(const Key& key, const std::vector<Slot>&) {
        add(key, map_of(rule::word.pattern, text_schema(codec::type.pattern)));
    }
    void grants(const Key& key, const std::vector<Capability>&, CapabilityKind kind) {
        Capability shape;
        shape.kind = kind;
        add(key, list_of(entry(shape)));
    }
    void rest(std::string_view, const Data::Map&) { open_ = true; }

    template <class T>
    static Data::Map section(T& shape) {
        SectionSchema schema;
        describe(schema, shape);
        Data::Map out;
        put(out, "type", "object");
        put(out, "properties", std::move(schema.properties_));
        if (!schema.required_.empty()) put(out, "required", std::move(schema.required_));
        if (!schema.open_) put(out, "additionalProperties", false);
        return out;
    }

private:
    void add(const Key& key, Data::Map schema) {
        if (!key.about.empty()) schema.insert(schema.begin(), {"description", Data(key.about)});
        put(properties_, key.name, std::move(schema));
        if (key.required) required_.emplace_back(key.name);
    }

    static Data::Map list_of(Data::Map item) {
        Data::Map out;
        put(out, "type", "array");
        put(out, "items", std::move(item));
        return out;
    }

    static Data::Map map_of(std::string_view name_pattern, Data::Map value) {
        Data::Map out;
        Data::Map names;
        put(names, "pattern", name_pattern);
        put(out, "type", "object");
        put(out, "propertyNames", std::move(names));
        put(out, "additionalProperties", std::move(value));
        return out;
    }

    template <class T>
    static Data::Map entry(T& shape) {
        auto whole = section(shape);
        if constexpr (shorthand<T>.empty()) {
            return whole;
        } else {
            const Data data(whole);
            Data bare = *data.find("properties")->find(shorthand<T>);
            Data::Map out;
            put(out, "anyOf", Data::List{std::move(bare), Data(std::move(whole))});
            return out;
        }
    }

    Data::Map properties_;
    Data::List required_;
    bool open_ = false;
};

} // namespace

std::string manifest_schema() {
    Manifest shape;
    auto body = SectionSchema::section(shape);
    Data::Map out;
    put(out, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put(out, "title", "Symphony plugin manifest");
    out.insert(out.end(), std::make_move_iterator(body.begin()), std::make_move_iterator(body.end()));
    return to_pretty_json(Data(std::move(out))) + "\n";
}

} // namespace symphony::manifests
