#!/usr/bin/env bash
# govulncheck against the database that GOVULNDB names (a URL, file:// too). What it finds called fails the
# run, but for deploy/security/exceptions.json.
# usage: vuln.sh BUILDDIR
set -euo pipefail
if [ -z "${GOVULNDB:-}" ]; then
	echo "!!! SKIPPED: govulncheck did not run, since GOVULNDB names no database"
	exit 0
fi
make "$1/tools/govulncheck"
"$1/tools/govulncheck" -db "$GOVULNDB" -format json ./... >"$1/vuln.json" || true
node - "$1/vuln.json" deploy/security/exceptions.json <<'JS'
const { readFileSync } = require('node:fs');
const [report, exceptions] = process.argv.slice(2).map(f => readFileSync(f, 'utf8'));
// The report is one JSON object after another.
const objects = report.trim() === '' ? [] : report.split(/(?<=^})\n/m).filter(t => t.trim()).map(t => JSON.parse(t));
if (!objects.some(o => o.config)) throw new Error('govulncheck gave no report');
const called = new Set(objects.filter(o => o.finding?.trace?.[0]?.function).map(o => o.finding.osv));
const today = new Date().toISOString().slice(0, 10);
const excused = new Set(JSON.parse(exceptions).exceptions.filter(e => e.until >= today).map(e => e.id));
const left = [...called].filter(id => !excused.has(id));
console.log(`called: ${[...called].join(' ') || 'none'}; excused: ${[...excused].join(' ')}`);
if (left.length) { console.error(`not excused: ${left.join(' ')}`); process.exit(1); }
JS
