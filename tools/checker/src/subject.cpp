// SPDX-License-Identifier: Apache-2.0
#include "subject.hpp"

#include "generate.hpp"
#include "plugin_source.hpp"

#include <symphony/manifests/config.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <type_traits>
#include <unistd.h>

namespace symphony::checker {
namespace {

void add(ValueBuilder& to, const manifests::Data& data) {
    std::visit([&to](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
            to.null();
        } else if constexpr (std::is_same_v<T, bool>) {
            to.boolean(value);
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
            to.integer(value);
        } else if constexpr (std::is_same_v<T, double>) {
            to.number(value);
        } else if constexpr (std::is_same_v<T, std::string>) {
            to.text(value);
        } else if constexpr (std::is_same_v<T, manifests::Data::List>) {
            to.list();
            for (const auto& item : value) add(to, item);
            to.end();
        } else {
            to.map();
            for (const auto& [key, item] : value) {
                to.key(key);
                add(to, item);
            }
            to.end();
        }
    }, data.variant());
}

} // namespace

Value value_of(const manifests::Data& data) {
    ValueBuilder builder;
    add(builder, data);
    return builder.build();
}

Result<Subject> Subject::open(const std::filesystem::path& folder) {
    auto file = host::read_manifest_file(folder.string(), manifests::Strictness::load);
    if (!file.parsed.manifest) return Error(Code::refused, "manifest", folder.string() + ": its manifest has errors", "symphony check " +
        folder.string() + " --static");
    Subject subject;
    subject.folder_ = folder;
    subject.manifest_ = std::make_shared<const manifests::Manifest>(std::move(*file.parsed.manifest));
    return subject;
}

Result<host::VerifiedImage> Subject::image() const { return host::VerifiedImage::open(*manifest_, folder_, SYMPHONY_TRIPLE); }

Result<const host::Library*> Subject::load() {
    if (library_) return &*library_;
    auto verified = SYMPHONY_TRY(image());
    // Its own handle, by the same file: the loader answers the library that is mapped already.
    const std::string path = "/proc/self/fd/" + std::to_string(::fcntl(verified.fd(), F_DUPFD_CLOEXEC, 100));
    library_.emplace(SYMPHONY_TRY(host::Library::load(std::move(verified), *manifest_)));
    void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return Error(Code::io, "load-failed", "the library cannot be mapped a second time");
    entry_ = reinterpret_cast<symphony_plugin_entry>(::dlsym(handle, SYMPHONY_ENTRY_NAME));
    return &*library_;
}

std::vector<Subject::Callable> Subject::operations() const {
    std::vector<Callable> out;
    for (const std::string_view port : {"operator/1", "instrument/1"}) {
        if (manifest_->find_provide(port) == nullptr) continue;
        for (const auto& operation : manifest_->operations) out.push_back({std::string(port), &operation});
        break;
    }
    return out;
}

Value Subject::configuration() const {
    std::vector<manifests::Setting> settings;
    const auto keys = manifests::config_keys(*manifest_);
    for (const auto& key : keys) {
        if (key.required && !key.secret && key.default_value.is_null()) settings.push_back({key.name, plain_setting(key), "checker", {}, false});
    }
    manifests::Data::Map values;
    for (const auto& setting : manifests::check_config(keys, settings).settings) {
        if (!setting.secret && !setting.value.is_null()) values.emplace_back(setting.key, setting.value);
    }
    return value_of(manifests::Data(std::move(values)));
}

} // namespace symphony::checker
