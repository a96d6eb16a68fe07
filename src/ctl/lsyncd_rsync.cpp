// The table rsync = {} of a sync block.
#include <fmt/format.h>

#include "core/config.hpp"
#include "core/config_rsync_options.hpp"
#include "core/filter_rule.hpp"
#include "ctl/lsyncd_conversion.hpp"

namespace mirrord {
namespace {

using Key = const std::string&;

/// An option for [.rsync] options, unless mirrord refuses it.
void add_option(Conversion& to, Key key, const std::string& option) {
  if (const auto why = refused_rsync_option(option))
    to.lose(key, fmt::format("needs rsync's \"{}\", which mirrord refuses: {}", option, *why));
  else
    to.rsync_options.push_back(option);
}

auto flag(const char* name) {
  return [name](Conversion& to, Key key, const LuaValue& value) {
    if (const bool* on = flag_in(to, key, value))
      to.set_raw(to.group.rsync, name, *on ? "true" : "false");
  };
}

auto text(const char* name) {
  return [name](Conversion& to, Key key, const LuaValue& value) {
    if (const auto* given = text_in(to, key, value)) to.set_text(to.group.rsync, name, *given);
  };
}

/// An option without a value that rsync gets when the key is true.
auto option(const char* name) {
  return [name](Conversion& to, Key key, const LuaValue& value) {
    const bool* on = flag_in(to, key, value);
    if (on && *on) add_option(to, key, name);
  };
}

auto option_with(const char* name) {
  return [name](Conversion& to, Key key, const LuaValue& value) {
    if (const auto* given = text_in(to, key, value))
      add_option(to, key, fmt::format("{}={}", name, *given));
  };
}

void read_times(Conversion& to, Key key, const LuaValue& value) {
  const bool* on = flag_in(to, key, value);
  if (on && !*on) add_option(to, key, "--no-times");
}

/// What it means is seen when all keys are known: see add_attributes().
void check_flag(Conversion& to, Key key, const LuaValue& value) { flag_in(to, key, value); }

auto symlinks(const char* word) {
  return [word](Conversion& to, Key key, const LuaValue& value) {
    const bool* on = flag_in(to, key, value);
    if (on && *on) to.symlinks = word;
  };
}

void read_links(Conversion& to, Key key, const LuaValue& value) {
  const bool* on = flag_in(to, key, value);
  if (on && !*on) to.lose(key, "left symbolic links out; mirrord copies or follows them");
}

std::optional<std::string> number_or_text(Conversion& to, Key key, const LuaValue& value) {
  if (const auto* number = value.as<double>()) return number_text(*number);
  const auto* given = text_in(to, key, value);
  return given ? std::optional(*given) : std::nullopt;
}

void read_bwlimit(Conversion& to, Key key, const LuaValue& value) {
  const auto named = number_or_text(to, key, value);
  if (!named) return;
  // rsync counts in KiB where no unit is given, mirrord in bytes.
  const bool bare = named->find_first_not_of("0123456789") == std::string::npos;
  const std::string limit = bare ? *named + 'k' : *named;
  if (const auto bytes = parse_size(limit); !bytes)
    to.lose(key, fmt::format("names the limit \"{}\", which is no size that mirrord knows; set "
                             "bandwidth_limit",
                             *named));
  else if (*bytes != 0)
    to.set_text(to.group.rsync, "bandwidth_limit", limit);
}

void read_timeout(Conversion& to, Key key, const LuaValue& value) {
  const auto seconds = number_or_text(to, key, value);
  if (!seconds) return;
  if (seconds->find_first_not_of("0123456789") == std::string::npos)
    to.set_text(to.group.rsync, "timeout", *seconds + 's');
  else
    to.lose(key, "is no number of seconds");
}

void read_delete_excluded(Conversion& to, Key key, const LuaValue& value) {
  const bool* on = flag_in(to, key, value);
  if (on && *on) to.set_raw(to.group.keys, "delete_excluded", "true");
}

void read_dry_run(Conversion& to, Key key, const LuaValue& value) {
  const bool* on = flag_in(to, key, value);
  if (on && *on) to.lose(key, "mirrored nothing at all; 'mirrorctl verify' compares");
}

/// Raw arguments that are a key of [.rsync].
struct ExtraFlag {
  std::string_view option;
  const char* key;
};

constexpr ExtraFlag kExtraFlags[] = {
    {"--hard-links", "hard_links"},
    {"-H", "hard_links"},
    {"--numeric-ids", "numeric_ids"},
    {"--acls", "acls"},
    {"-A", "acls"},
    {"--xattrs", "xattrs"},
    {"-X", "xattrs"},
    {"--compress", "compress"},
};

/// As rsync's --exclude and --include take a pattern: it may have a rule's prefix of its own.
std::string rule_of(const std::string& prefix, const std::string& pattern) {
  const bool whole = pattern == "!" || pattern.starts_with("- ") || pattern.starts_with("+ ");
  return whole ? pattern : prefix + pattern;
}

ImportRow::Read pattern(const char* prefix) {
  return [prefix](Conversion& to, Key key, const LuaValue& value) {
    to.extra_filter.push_back({key, rule_of(prefix, *value.as<std::string>())});
  };
}

ImportRow::Read patterns_in_file(const char* prefix) {
  return [prefix](Conversion& to, Key key, const LuaValue& value) {
    const auto content = content_of(to, key, *value.as<std::string>());
    if (!content) return;
    for (const std::string& line : exclude_lines(*content))
      to.extra_filter.push_back({key, rule_of(prefix, line)});
  };
}

/// Raw arguments that have a value and a key; the row's key is what stands before the value.
const std::vector<ImportRow>& extra_rows() {
  static const std::vector<ImportRow> rows = {
      {"--rsync-path=", text("remote_program")},
      {"--password-file=", text("password_file")},
      {"--partial-dir=", text("partial_dir")},
      {"--chmod=", text("chmod")},
      {"--chown=", text("chown")},
      {"--bwlimit=", read_bwlimit},
      {"--timeout=", read_timeout},
      {"--exclude=", pattern("- ")},
      {"--include=", pattern("+ ")},
      {"--exclude-from=", patterns_in_file("- ")},
      {"--include-from=", patterns_in_file("+ ")},
      {"--filter=", pattern("")},
      {"-f", pattern("")},
      {"--rsh=", read_rsh},
      {"-e", read_rsh},
  };
  return rows;
}

void add_extra(Conversion& to, Key key, const std::string& argument) {
  for (const ExtraFlag& flag : kExtraFlags)
    if (argument == flag.option) return to.set_raw(to.group.rsync, flag.key, "true");
  for (const ImportRow& row : extra_rows())
    if (argument.starts_with(row.key)) return row.read(to, key, {argument.substr(row.key.size())});
  if (argument == "--delete-excluded") return read_delete_excluded(to, key, {true});
  add_option(to, key, argument);
}

/// "--bwlimit", "5" are one option.
std::vector<std::string> whole_options(const std::vector<std::string>& arguments) {
  std::vector<std::string> options;
  bool open = false;
  for (const std::string& argument : arguments) {
    if (!open)
      options.push_back(argument);
    else
      options.back() += (options.back().starts_with("--") ? "=" : "") + argument;
    open = !open && value_follows(argument);
  }
  return options;
}

void read_extra(Conversion& to, Key key, const LuaValue& value) {
  for (const std::string& argument : whole_options(texts_in(to, key, value)))
    add_extra(to, key, argument);
}

const std::vector<ImportRow>& rsync_rows() {
  static const std::vector<ImportRow> rows = {
      {"binary", text("program")},
      {"rsync_path", text("remote_program")},
      {"chmod", text("chmod")},
      {"chown", text("chown")},
      {"password_file", text("password_file")},
      {"acls", flag("acls")},
      {"xattrs", flag("xattrs")},
      {"compress", flag("compress")},
      {"hard_links", flag("hard_links")},
      {"sparse", flag("sparse")},
      {"checksum", flag("checksum")},
      {"inplace", flag("inplace")},
      {"bwlimit", read_bwlimit},
      {"timeout", read_timeout},
      {"rsh", read_rsh},
      {"links", read_links},
      {"copy_links", symlinks("follow")},
      {"copy_unsafe_links", symlinks("follow-external")},
      {"copy_dirlinks", option("--copy-dirlinks")},
      {"delete_excluded", read_delete_excluded},
      {"dry_run", read_dry_run},
      {"times", read_times},
      {"archive", check_flag},
      {"perms", check_flag},
      {"owner", check_flag},
      {"group", check_flag},
      {"protect_args", ignore_key},
      {"quiet", ignore_key},
      {"verbose", ignore_key},
      {"append", option("--append")},
      {"append_verify", option("--append-verify")},
      {"backup", option("--backup")},
      {"backup_dir", option_with("--backup-dir")},
      {"cvs_exclude", option("--cvs-exclude")},
      {"executability", option("--executability")},
      {"existing", option("--existing")},
      {"groupmap", option_with("--groupmap")},
      {"ignore_times", option("--ignore-times")},
      {"ipv4", option("--ipv4")},
      {"ipv6", option("--ipv6")},
      {"keep_dirlinks", option("--keep-dirlinks")},
      {"omit_dir_times", option("--omit-dir-times")},
      {"omit_link_times", option("--omit-link-times")},
      {"one_file_system", option("--one-file-system")},
      {"prune_empty_dirs", option("--prune-empty-dirs")},
      {"suffix", option_with("--suffix")},
      {"temp_dir", option_with("--temp-dir")},
      {"update", option("--update")},
      {"usermap", option_with("--usermap")},
      {"whole_file", option("--whole-file")},
      {"_extra", read_extra},
  };
  return rows;
}

}  // namespace

void read_rsync_table(Conversion& to, const std::string& key, const LuaValue& value) {
  read_inner_table(rsync_rows(), to, key, value);
}

}  // namespace mirrord
