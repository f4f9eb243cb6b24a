/** Bounds of PartiQL: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html (seen 2026-11); "ours" bounds what AWS does not state. */

/** Characters of a statement. */
export const statementCharactersMax = 8_192;

/** Statements of one BatchExecuteStatement. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html */
export const batchStatementsMax = 25;

/** Statements of one ExecuteTransaction. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html */
export const transactStatementsMax = 100;

/** Partitions one SELECT reads. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html */
export const partitionsMax = 50;

/** Parentheses, lists and tuples inside one another; bounds the parser's recursion. Ours. */
export const depthMax = 200;
