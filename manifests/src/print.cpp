// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/print.hpp>

#include "config_value.hpp"
#include "fields.hpp"
#include "text.hpp"

namespace symphony::manifests {
namespace {

/// The visitor that turns a section into data, leaving out what is as if unwritten. See fields.hpp.
class SectionWriter {
public:
    void text(const Key& key, const std::string& from, const TextRule&) {
        if (key.required || !from.empty()) put(key, from);
    }
    void texts(const Key& key, const std::vector<std::string>& from, const TextRule&) {
        if (!from.empty()) put(key, Data::List(from.begin(), from.end()));
    }
    void boolean(const Key& key, bool from) {
        if (from) put(key, true);
    }
    template <class T>
    void integer(const Key& key, const T& from, std::int64_t, std::int64_t, std::int64_t fallback = 0) {
        const auto value = static_cast<std::int64_t>(from);
        if (key.required || value != fallback) put(key, value);
    }
    template <class T>
    void integer(const Key& key, const std::optional<T>& from, std::int64_t, std::int64_t) {
        if (from) put(key, static_cast<std::int64_t>(*from));
    }
    template <class E>
    void choice(const Key& key, E from) {
        if (key.required || from != E{}) put(key, name_of(from));
    }
    template <class T>
    void parsed(const Key& key, const T& from, const Codec<T>& codec) {
        if (key.required || from != T{}) put(key, codec.write(from));
    }
    template <class T>
    void maybe(const Key& key, const std::optional<T>& from, const Codec<T>& codec) {
        if (from) put(key, codec.write(*from));
    }
    void data(const Key& key, const Data& from) {
        if (!from.is_null()) put(key, from);
    }
    void data_list(const Key& key, const std::vector<Data>& from) {
        if (!from.empty()) put(key, from);
    }
    template <class T>
    void table(const Key& key, T& from) {
        auto entries = section(from);
        if (key.required || !entries.empty()) put(key, std::move(entries));
    }
    template <class T>
    void tables(const Key& key, std::vector<T>& from) {
        Data::List list;
        for (auto& element : from) list.emplace_back(section(element));
        if (!list.empty()) put(key, std::move(list));
    }
    template <class T>
    void map(const Key& key, std::vector<T>& from, std::string T::*name, const TextRule&, Order) {
        Data::Map entries;
        for (auto& element : from) entries.emplace_back(element.*name, entry(element));
        if (!entries.empty()) put(key, std::move(entries));
    }
    void slots(const Key& key, const std::vector<Slot>& from) {
        Data::Map entries;
        for (const auto& slot : from) entries.emplace_back(slot.name, slot.type.text());
        if (!entries.empty()) put(key, std::move(entries));
    }
    void grants(const Key& key, std::vector<Capability>& from, CapabilityKind kind) {
        Data::List list;
        for (auto& capability : from) {
            if (capability.kind == kind) list.push_back(entry(capability));
        }
        if (!list.empty()) put(key, std::move(list));
    }
    void rest(std::string_view, const Data::Map& from) { entries_.insert(entries_.end(), from.begin(), from.end()); }

    Data::Map take() { return std::move(entries_); }

private:
    void put(const Key& key, Data value) { entries_.emplace_back(std::string(key.name), std::move(value)); }

    template <class T>
    static Data::Map section(T& from) {
        SectionWriter writer;
        describe(writer, from);
        return writer.take();
    }

    template <class T>
    static Data entry(T& from) {
        auto entries = section(from);
        const bool bare = entries.size() == 1 && entries.front().first == shorthand<T>;
        return bare ? std::move(entries.front().second) : Data(std::move(entries));
    }

    Data::Map entries_;
};

/// Over several lines, as people write long help. A quote is escaped where two could meet, or one the end.
void append_long_text(std::string& out, std::string_view text) {
    out += "\"\"\"\n";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool last = i + 1 == text.size();
        if (text[i] == '\n' || (text[i] == '"' && !last && text[i + 1] != '"')) {
            out += text[i];
        } else {
            const auto escaped = quoted(text.substr(i, 1));
            out.append(escaped, 1, escaped.size() - 2);
        }
    }
    out += "\"\"\"";
}

void append_entry(std::string& out, std::string_view key, const Data& value) {
    append_toml_key(out, key);
    out += " = ";
    const auto* text = value.as<std::string>();
    const auto* list = value.as<Data::List>();
    if (text != nullptr && text->find('\n') != std::string::npos) {
        append_long_text(out, *text);
    } else if (list != nullptr && !list->empty() && list->front().as<Data::Map>() != nullptr) {
        out += "[\n";
        for (const auto& item : *list) out.append("  ").append(to_toml(item)).append(",\n");
        out += "]";
    } else {
        out += to_toml(value);
    }
    out += '\n';
}

void append_section(std::string& out, std::string_view header, const Data& section) {
    const auto* entries = section.as<Data::Map>();
    if (entries == nullptr) return;
    if (!out.empty()) out += '\n';
    out.append(header).append("\n");
    for (const auto& [key, value] : *entries) append_entry(out, key, value);
}

} // namespace

Data to_data(const Manifest& manifest) {
    Manifest copy = manifest;
    if (copy.extension.id == copy.extension.name) copy.extension.id.clear();
    if (copy.host) {
        const auto at = std::find_if(copy.dependencies.begin(), copy.dependencies.end(),
                                     [&](const Dependency& one) { return one.id > copy.host->id; });
        copy.dependencies.insert(at, *copy.host);
    }
    for (auto& key : copy.configuration) {
        key.default_value = presented(key, key.default_value);
        for (auto& choice : key.choices) choice = presented(key, choice);
        if (!bounds_length(key.type)) {
            key.min = presented(key, key.min);
            key.max = presented(key, key.max);
        }
    }
    SectionWriter writer;
    describe(writer, copy);
    return Data(writer.take());
}

std::string print(const Manifest& manifest) {
    std::string out;
    const auto data = to_data(manifest);
    for (const auto& [name, value] : *data.as<Data::Map>()) {
        if (const auto* list = value.as<Data::List>()) {
            for (const auto& item : *list) append_section(out, "[[" + name + "]]", item);
        } else {
            append_section(out, "[" + name + "]", value);
        }
    }
    return out;
}

} // namespace symphony::manifests
