// The types of the SDK as one file that needs no other package: what the client declares, and what it uses of the protocol. The protocol's
// types come from schemas, so they are written out as the compiler resolves them.
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { API, NodeBuilderFlags } from "typescript/unstable/sync";

/** Words of a declaration that could be names. */
const namesIn = (text) => new Set(text.match(/[A-Za-z_$][\w$]*/g));

/** @param root the repository's root, ending with a slash; tsc must have compiled packages/client */
export function sdkTypes(root) {
  const folder = `${root}packages/client/dist/`;
  const texts = modulesFrom(folder, "index.d.ts");
  const wanted = new Map([...texts.values()].flatMap(importedFromProtocol));
  const exported = exportedBy(texts.get("index.d.ts"));
  texts.delete("index.d.ts");
  const declared = new Map();
  for (const [name, text] of [
    ...[...texts.values()].flatMap(declarationsOf),
    ...written(`${root}packages/protocol`, wanted),
  ]) {
    if (declared.has(name))
      throw new Error(`${name} is declared twice, in one file there is room for one: rename one of them`);
    declared.set(name, text);
  }
  return `${reachable(exported, declared).join("\n")}\nexport { ${exported.join(", ")} };\n`;
}

/** The text of a module, and of every module that it imports, by path. Files of an earlier build may be beside them. */
function modulesFrom(folder, entry, texts = new Map()) {
  if (texts.has(entry)) return texts;
  const text = readFileSync(`${folder}${entry}`, "utf8");
  texts.set(entry, text);
  for (const [, path] of text.matchAll(/ from "(\.[^"]+)\.js";/g)) {
    modulesFrom(folder, posix.join(posix.dirname(entry), `${path}.d.ts`), texts);
  }
  return texts;
}

/** Local name and protocol name of everything that a module imports or re-exports from the protocol. */
function importedFromProtocol(text) {
  return [...text.matchAll(/^(?:import|export) (?:type )?\{([^}]*)\} from "@tapedeck\/protocol";/gm)].flatMap(
    ([, list]) => specifiers(list).map(({ name, as }) => [as, name]),
  );
}

function specifiers(list) {
  return list.split(",").flatMap((part) => {
    const [, type = "", name, as = name] = /^\s*(type )?(\w+)(?: as (\w+))?\s*$/.exec(part) ?? [];
    return name === undefined ? [] : [{ name, as, type: type !== "" }];
  });
}

/** The exports of the package: types, and a few values. */
function exportedBy(index) {
  return [...index.matchAll(/^export (type )?\{([^}]*)\} from/gm)].flatMap(([, allTypes, list]) =>
    specifiers(list).map(({ as, type }) => (allTypes || type ? `type ${as}` : as)),
  );
}

const comment = String.raw`(?:/\*\*(?:(?!\*/)[\s\S])*\*/\n)?`;
const beginning = `${comment}(?:export|declare|interface|type) `;
/** One declaration with its comment, up to the next one or the end. tsc begins each in the first column. */
const declaration = new RegExp(`^${beginning}[\\s\\S]*?(?=^${beginning}|(?![\\s\\S]))`, "gm");

/** The declarations of a module by name, each with its comment. */
function declarationsOf(text) {
  const body = text
    .replace(/^(?:import|export) [^;]*? from "[^"]+";\n/gm, "")
    .replace(/^(?:export \{\};|\/\/# .*)$/gm, "");
  return [...body.matchAll(declaration)].map(([whole]) => {
    const text = whole.replace(/^export /m, "").trimEnd();
    const [, name] = /^(?:declare )?(?:class|const|function|interface|type) (\w+)/m.exec(text) ?? [];
    if (name === undefined) throw new Error(`this declaration is not understood: ${text}`);
    return [name, text];
  });
}

/** Types of the protocol, written out. */
function written(project, wanted) {
  const compiler = new API({ cwd: project });
  try {
    const snapshot = compiler.updateSnapshot({ openProjects: [`${project}/tsconfig.json`] });
    const { checker, program } = snapshot.getProjects()[0];
    const module = checker.getSymbolAtLocation(program.getSourceFile(`${project}/src/index.ts`));
    const flags =
      NodeBuilderFlags.NoTruncation | NodeBuilderFlags.InTypeAlias | NodeBuilderFlags.MultilineObjectLiterals;
    return [...wanted].map(([as, name]) => {
      const symbol = checker.getMemberInModuleExports(module, name);
      if (symbol === undefined) throw new Error(`the protocol exports no ${name}`);
      return [as, `type ${as} = ${checker.typeToString(checker.getDeclaredTypeOfSymbol(symbol), undefined, flags)};`];
    });
  } finally {
    compiler.close();
  }
}

/** The exported declarations and all that they depend on, in the order of declaration. */
function reachable(exported, declared) {
  const needed = new Set();
  const visit = (name) => {
    if (needed.has(name) || !declared.has(name)) return;
    needed.add(name);
    for (const other of namesIn(declared.get(name).replace(/\/\*\*[\s\S]*?\*\//g, ""))) visit(other);
  };
  for (const name of exported) visit(name.replace(/^type /, ""));
  return [...declared].filter(([name]) => needed.has(name)).map(([, text]) => text);
}
