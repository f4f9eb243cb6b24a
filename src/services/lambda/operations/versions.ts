import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { invalid, unsupported } from "../errors.ts";
import { pageRequest } from "../paging.ts";
import { latestFunction } from "../reference.ts";
import { base64OfHex, configurationOf, listedConfigurationOf } from "../shape.ts";
import { checkCodeStorage } from "../usage.ts";
import { checkRevision } from "./function-updates.ts";
import { entryAt, refuseWhilePreparing } from "./functions.ts";

/** PublishVersion and ListVersionsByFunction. Versions are immutable and numbered without reuse. */
export function versionOperations(scope: LambdaScope) {
  return {
    publishVersion: publishVersion(scope),
    listVersionsByFunction: listVersionsByFunction(scope),
  };
}

function publishVersion(scope: LambdaScope): LambdaHandler<"PublishVersion"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    if (input.PublishTo !== undefined) throw unsupported("PublishTo", "no managed instances");
    await scope.preparation.settled(id, context.signal);
    const version = await scope.registry.write((edit) => {
      const entry = entryAt(edit, id);
      checkRevision(entry, input.RevisionId);
      const current = base64OfHex(entry.latest.codeSha256);
      if (input.CodeSha256 && input.CodeSha256 !== current) {
        throw invalid(
          `CodeSHA256 (${input.CodeSha256}) is different from current CodeSHA256 in $LATEST ` +
            `(${current}). Please try again with the CodeSHA256 in $LATEST.`,
        );
      }
      refuseWhilePreparing(entry);
      checkCodeStorage(edit, id, entry.latest.codeByteCount);
      return edit.versions.publish(id, input.Description) ?? entry.latest;
    });
    return configurationOf(version, version.version);
  };
}

function listVersionsByFunction(scope: LambdaScope): LambdaHandler<"ListVersionsByFunction"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    const page = pageRequest(["versions", id.accountId, id.region, id.name], input);
    return await scope.registry.read((view) => {
      const { latest } = entryAt(view, id);
      const isFirst = page.after === undefined;
      // $LATEST comes before version 1 and takes one place of the first page.
      const after = isFirst || page.after === "$LATEST" ? undefined : Number(page.after);
      const limit = page.limit + 1 - (isFirst ? 1 : 0);
      const published = view.versions.list(id, { after, limit });
      const entries = isFirst ? [latest, ...published] : published;
      const { items, next } = page.cut(entries, (revision) => revision.version);
      return {
        Versions: items.map((revision) => listedConfigurationOf(revision, revision.version)),
        ...(next === undefined ? {} : { NextMarker: next }),
      };
    });
  };
}
