/** The form of an event: its own questions after a name and an address, and what is made of the answers. */
import { type Question } from '../event/public';
import { type Field, checkField, selectField, textField } from '../form/field';
import { type ApiProblem } from '../ui/refusal';
import { type Registration } from './calls';
import { type Draft } from './draft';
import { type Text } from './texts';

/** The longest answer. */
const answerMost = 500;

export function fieldsFor(questions: readonly Question[], draft: Draft, t: Text): Field[] {
  return [
    textField({
      name: 'name',
      label: t('name'),
      autocomplete: 'name',
      maxlength: 80,
      value: draft.name,
    }),
    textField({
      name: 'email',
      label: t('email'),
      hint: t('email.hint'),
      type: 'email',
      autocomplete: 'email',
      maxlength: 254,
      value: draft.email,
    }),
    ...questions.map(question => fieldFor(question, draft.answers[question.id] ?? '', t)),
  ];
}

function fieldFor({ id, label, kind, options, required }: Question, value: string, t: Text): Field {
  const about = { name: id, label, value, required };
  switch (kind) {
    case 'checkbox':
    case 'consent':
      return checkField(about);
    case 'choice':
      return selectField({ ...about, label: marked(label, required, t) }, [
        { value: '', text: required ? t('choose') : t('none') },
        ...options.map(option => ({ value: option, text: option })),
      ]);
    default:
      return textField({ ...about, label: marked(label, required, t), maxlength: answerMost });
  }
}

/** Most is asked for; what need not be answered says so. */
function marked(label: string, required: boolean, t: Text): string {
  return required ? label : t('optional', { label });
}

export function draftIn(fields: readonly Field[]): Draft {
  const values = Object.fromEntries(fields.map(({ name, input }) => [name, valueOf(input)]));
  const { name = '', email = '', ...answers } = values;
  return { name, email, answers };
}

function valueOf(input: Field['input']): string {
  if (input instanceof HTMLInputElement && input.type === 'checkbox') return input.checked ? 'on' : '';
  return input.value;
}

/** What is sent: boxes as yes or no, and no empty lines. */
export function registrationOf(draft: Draft, questions: readonly Question[], language: string): Registration {
  const answers: Registration['answers'] = {};
  for (const { id, kind } of questions) {
    const value = (draft.answers[id] ?? '').trim();
    if (kind === 'checkbox' || kind === 'consent') answers[id] = value !== '';
    else if (value !== '') answers[id] = value;
  }
  return { name: draft.name.trim(), email: draft.email.trim(), language, answers };
}

/** What is wrong at which field, in words. */
export function wrongOf(
  problem: ApiProblem,
  questions: readonly Question[],
  t: Text,
): ReadonlyMap<string, string> {
  const wrong = new Map<string, string>();
  for (const { pointer } of problem.fields) {
    const [, first = '', id = ''] = pointer.split('/');
    const question = first === 'answers' ? questions.find(known => known.id === id) : undefined;
    if (first === 'name') wrong.set('name', t('name.wrong'));
    else if (first === 'email') wrong.set('email', t('email.wrong'));
    else if (question?.kind === 'consent') wrong.set(id, t('consent.wrong'));
    else if (question) wrong.set(id, t('answer.wrong'));
  }
  return wrong;
}
