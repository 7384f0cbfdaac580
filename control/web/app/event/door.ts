/** The door of an event: what its rule asks of who comes in, and the press that lets the player have sound. */
import { el } from '@freshet/player/dom';
import { Act } from '../form/act';
import { type Field, selectField, textField } from '../form/field';
import { Form } from '../form/form';
import { pageLanguage } from '../ui/language';
import { asApiProblem } from '../ui/refusal';
import { type Entry, type Knock, enter } from './enter';
import { languageName } from './dates';
import { type PublicEvent } from './public';
import { keepTyped, typedBefore } from './stay';
import { type Key, type Text } from './texts';

/** Why somebody stands at the door again. */
export type Why = 'expired' | 'elsewhere' | 'pass-wrong' | 'direct-wrong';

const whys: Record<Why, Key> = {
  expired: 'door.expired',
  elsewhere: 'door.elsewhere',
  'pass-wrong': 'door.pass.wrong',
  'direct-wrong': 'door.direct.wrong',
};

export class Door {
  readonly root = el('section', { class: 'card door', 'aria-labelledby': 'door' });
  #drawn = '';
  #form: Form | undefined;

  constructor(
    private readonly t: Text,
    private readonly on: {
      entered(entry: Entry, knock: Knock): void;
      /** The event is another one than the page knows. */
      changed(): void;
    },
  ) {}

  /** Asks what event's rule asks. pass is the one that is in use elsewhere. What was typed stays while it asks the same. */
  show(event: PublicEvent, why?: Why, pass = ''): void {
    const { access, languages, registration, slug } = event;
    const waits = event.state !== 'live';
    const drawn = JSON.stringify([access, languages, registration, waits, why, pass]);
    if (drawn === this.#drawn) return;
    const [name, email] = [this.#form?.value('name'), this.#form?.value('email')];
    this.#drawn = drawn;
    this.#form = undefined;
    const { t } = this;
    const heading = el('h2', { id: 'door' }, t(waits ? 'door.waits' : 'door.live'));
    const said = why === undefined ? null : el('p', { class: 'said', role: 'status' }, t(whys[why]));
    if (pass !== '') this.root.replaceChildren(heading, said ?? '', this.#here(slug, pass));
    else if (access === 'open' || access === 'password') {
      this.#form = this.#asking(event, waits, { name, email });
      this.root.replaceChildren(heading, ...(said ? [said] : []), this.#form.root);
    } else {
      heading.textContent = t(`door.${access}`);
      const words = el(
        'p',
        { class: 'muted' },
        t(access === 'token' ? 'door.token.text' : `door.${registration}`),
      );
      this.root.replaceChildren(heading, ...(said ? [said] : []), words, ...this.#ways(event));
    }
  }

  /** The way to a registration, and to a link that was lost. */
  #ways({ access, registration, slug }: PublicEvent): HTMLElement[] {
    if (access !== 'registration') return [];
    const { t } = this;
    const at = `/e/${encodeURIComponent(slug)}/register`;
    return [
      el(
        'div',
        { class: 'actions' },
        registration === 'closed'
          ? null
          : el(
              'a',
              { class: 'button main', href: at },
              t(registration === 'open' ? 'door.register' : 'door.waitingList'),
            ),
        el('a', { class: 'button', href: `${at}?again` }, t('door.again')),
      ),
    ];
  }

  #asking(
    event: PublicEvent,
    waits: boolean,
    typed: { name: string | undefined; email: string | undefined },
  ): Form {
    const { t } = this;
    const before = typedBefore();
    const fields: Field[] = [
      textField({
        name: 'name',
        label: t('door.name'),
        autocomplete: 'name',
        maxlength: 80,
        value: typed.name ?? before.name,
      }),
      textField({
        name: 'email',
        label: t('door.email'),
        type: 'email',
        autocomplete: 'email',
        maxlength: 254,
        value: typed.email ?? before.email,
      }),
    ];
    if (event.access === 'password') {
      fields.push(
        textField({
          name: 'password',
          label: t('door.password'),
          hint: t('door.password.hint'),
          type: 'password',
          autocomplete: 'off',
          maxlength: 64,
        }),
      );
    }
    if (event.languages.length > 1) fields.push(this.#language(event.languages));
    const act = new Act(t(waits ? 'door.act.waits' : 'door.act'), seconds => t('door.wait', { seconds }));
    const form: Form = new Form(
      fields,
      act,
      n => t('door.wrong', { n }),
      () => this.#knock(event, form),
    );
    return form;
  }

  #language(languages: readonly string[]): Field {
    const spoken = pageLanguage();
    return selectField(
      {
        name: 'language',
        label: this.t('door.language'),
        value: languages.find(tag => tag.split('-')[0] === spoken) ?? languages[0] ?? '',
      },
      languages.map(tag => ({ value: tag, text: languageName(tag), lang: tag })),
    );
  }

  async #knock({ slug, access }: PublicEvent, form: Form): Promise<void> {
    const { t } = this;
    const typed = { name: form.value('name').trim(), email: form.value('email').trim() };
    const knock: Knock = {
      ...typed,
      language: form.value('language') || pageLanguage(),
      ...(access === 'password' ? { password: form.value('password') } : {}),
    };
    form.act.begin(t('door.busy'));
    keepTyped(typed);
    try {
      const entry = await enter(slug, knock);
      form.act.end();
      this.on.entered(entry, knock);
    } catch (thrown) {
      form.act.end();
      this.#refused(thrown, form);
    }
  }

  #refused(thrown: unknown, form: Form): void {
    const { t } = this;
    const problem = asApiProblem(thrown);
    if (problem.status === 429) {
      const seconds = form.act.wait(problem.more.retryAfterMS, () => {
        form.right();
      });
      form.fail(t('door.many', { seconds }));
      return;
    }
    const wrong = new Map<string, string>();
    if (problem.kind === 'password-wrong' || problem.kind === 'password-missing') {
      wrong.set('password', t('door.password.wrong'));
    }
    for (const { pointer } of problem.fields) {
      const name = pointer.split('/')[1] ?? '';
      if (name === 'name' || name === 'email' || name === 'password')
        wrong.set(name, t(`door.${name}.wrong`));
    }
    if (form.refuse(wrong)) return;
    if (problem.status === 404 || problem.status === 401) this.on.changed();
    const here = problem.kind === 'not-here';
    form.fail(t(here ? 'door.notHere' : problem.status === 404 ? 'door.gone' : 'door.away'));
  }

  /** The same pass, used here from now on. */
  #here(slug: string, pass: string): HTMLElement {
    const { t } = this;
    const act = new Act(t('door.here'), seconds => t('door.wait', { seconds }));
    const form: Form = new Form(
      [],
      act,
      () => '',
      async () => {
        act.begin(t('door.busy'));
        try {
          const entry = await enter(slug, { pass, here: true });
          act.end();
          this.on.entered(entry, { pass });
        } catch (thrown) {
          act.end();
          const { kind } = asApiProblem(thrown);
          form.fail(t(kind === 'pass-wrong' ? 'door.pass.wrong' : 'door.away'));
        }
      },
    );
    return form.root;
  }
}
